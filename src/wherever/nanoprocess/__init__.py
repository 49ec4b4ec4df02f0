"""Owns nanoprocesses: a program, its grants, a worker of its own, and a result."""
