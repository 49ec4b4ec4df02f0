"""WASI 0.2 for components: thin interfaces over `system`, the resources that preview 1 has too."""
