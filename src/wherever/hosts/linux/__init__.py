"""Owns `wherever_linux`: what the Linux personality imports and preview 1 has no word for."""
