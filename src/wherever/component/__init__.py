"""The component room: the component binary, its types and validation, WIT, the canonical ABI.

Sans-I/O: bytes and memory views in, values out. `hosts.component` gives it an engine.
"""
