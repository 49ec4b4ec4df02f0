"""Instruction sets: each instruction described once; decoder, text and coverage are derived."""
