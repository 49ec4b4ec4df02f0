"""Owns `python -m wherever`."""

from __future__ import annotations

import sys

from wherever.cli import main

if __name__ == "__main__":
    sys.exit(main())
