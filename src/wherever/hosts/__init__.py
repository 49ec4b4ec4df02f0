"""What a guest can import: one file or folder per ABI, each a thin adapter over `system`."""
