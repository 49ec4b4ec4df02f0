"""Owns how sizes and durations are written: `256MiB`, `1.5GB`, `4096`; `10s`, `500ms`, `2m`."""

from __future__ import annotations

from wherever.policy.malformed import Malformed

__all__ = ["duration", "show_duration", "show_size", "size"]

_SIZES = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
    "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
}  # fmt: skip
_SECONDS = {"": 1.0, "ms": 1e-3, "us": 1e-6, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_UNLIMITED = "unlimited"


def size(text: str | float | None) -> int | None:
    """A number of bytes, from text or a number; None and "unlimited" mean without limit."""
    if text is None or text == _UNLIMITED:
        return None
    number, unit = _split(text)
    if number is None or unit not in _SIZES or number < 0 or number * _SIZES[unit] > 1 << 62:
        raise Malformed(f"{text!r} is not a size: write 4096, 64KiB, 256MiB, 1.5GB or unlimited")
    return int(number * _SIZES[unit])


def duration(text: str | float | None) -> float | None:
    """Seconds, from text or a number; None and "unlimited" mean without limit."""
    if text is None or text == _UNLIMITED:
        return None
    number, unit = _split(text)
    if number is None or unit not in _SECONDS or number < 0 or number > 1e12:
        raise Malformed(f"{text!r} is not a duration: write 10s, 500ms, 2m, 1h, 2.5 or unlimited")
    return number * _SECONDS[unit]


def count(text: str | float | None) -> int | None:
    """A whole number of things; None and "unlimited" mean without limit."""
    if text is None or text == _UNLIMITED:
        return None
    number, unit = _split(text)
    if number is None or unit or number != int(number) or not 0 <= number < 1 << 31:
        raise Malformed(f"{text!r} is not a count: write a whole number or unlimited")
    return int(number)


def show_size(value: int | None) -> str:
    """The shortest exact spelling of a size."""
    if value is None:
        return _UNLIMITED
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value and value % unit == 0:
            return f"{value // unit}{name}"
    return str(value)


def show_duration(value: float | None) -> str:
    """The spelling of a duration."""
    if value is None:
        return _UNLIMITED
    if 0 < value < 1:
        return f"{value * 1000:g}ms"
    return f"{value:g}s"


def _split(text: str | float) -> tuple[float | None, str]:
    if isinstance(text, bool):
        return None, ""
    if isinstance(text, int | float):
        finite = text == text and abs(text) != float("inf")
        return (text if finite else None), ""
    end = 0
    while end < len(text) and (text[end] in "0123456789."):
        end += 1
    number, unit = text[:end], text[end:].strip().lower()
    if not number.isascii() or number.count(".") > 1 or not number.strip("."):
        return None, unit
    return (float(number) if "." in number else int(number)), unit
