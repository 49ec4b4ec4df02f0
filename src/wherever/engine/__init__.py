"""The wasmtime room: modules, stores, calls, limits, fibers, traps. README.md is the way in."""
