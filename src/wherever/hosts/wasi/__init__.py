"""WASI preview 1: 46 thin functions over `system`, described once in `table`. See README.md."""
