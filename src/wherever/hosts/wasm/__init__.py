"""The W3C JavaScript API in Python, over the engine room. `wherever.webassembly` is its door."""
