"""Owns the version of wherever, which names the package and what its caches hold."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
