"""The A64 instruction set of Armv8-A, user mode."""
