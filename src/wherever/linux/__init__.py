"""Owns the Linux personality: the table of system calls, ABI structs, the C program, its build."""
