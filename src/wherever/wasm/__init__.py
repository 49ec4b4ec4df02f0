"""The WebAssembly binary format: types, the opcode table, reading and writing; bytes to values.

The room is pure. Import from the file that owns the name: `types`, `module`, `reader`, `shape`,
`inspect`, `instructions`, `builder`, `emit`, `append`, `text`.
"""
