"""The canonical ABI: state, strings, and lifting and lowering compiled per function type."""
