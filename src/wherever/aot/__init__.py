"""Ahead-of-time translation: a Linux ELF program in, a WebAssembly module out."""
