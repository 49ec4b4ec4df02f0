"""The intermediate representation: Wasm-shaped operations over guest registers and memory."""
