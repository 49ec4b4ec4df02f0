"""Owns moving a module's start function behind instantiation, where host calls can see its memory.

A start function (core specification, 5.5.11) runs while its instance is being made; what it asks
of WASI then, the host cannot answer, for the memory that it points into is not known yet. So the
start section becomes one more export, which is called first of all.
"""

from __future__ import annotations

__all__ = ["START", "deferred"]

START = "wherever:start"
_EXPORTS, _STARTS = 7, 8


def deferred(module: bytes) -> bytes:
    """The module with its start function exported as `START`; unchanged if it has none.

    What is malformed comes back as it is: the compiler says what is wrong with it.
    """
    parts: list[tuple[int, bytes]] = []
    at = 8
    try:
        while at < len(module):
            kind = module[at]
            size, begin = _number(module, at + 1)
            at = begin + size
            if at > len(module):
                return module
            parts.append((kind, module[begin:at]))
    except (IndexError, ValueError):
        return module
    starts = [body for kind, body in parts if kind == _STARTS]
    if len(starts) != 1 or not starts[0] or START.encode() in module:
        return module
    name = START.encode()
    entry = bytes((len(name),)) + name + b"\0" + starts[0]  # a function, and its index
    sections = [part for part in parts if part[0] != _STARTS]
    exports = next((index for index, part in enumerate(sections) if part[0] == _EXPORTS), None)
    if exports is None:
        before = [index for index, (kind, _) in enumerate(sections) if 0 < kind < _EXPORTS]
        place = before[-1] + 1 if before else 0
        # The tag section (13) stands before the globals: it is among those that come earlier.
        while place < len(sections) and sections[place][0] == 13:
            place += 1
        sections.insert(place, (_EXPORTS, b"\1" + entry))
    else:
        listed = sections[exports][1]
        try:
            count, rest = _number(listed, 0)
        except (IndexError, ValueError):
            return module
        sections[exports] = (_EXPORTS, _leb(count + 1) + listed[rest:] + entry)
    return module[:8] + b"".join(bytes((kind,)) + _leb(len(body)) + body for kind, body in sections)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number of 32 bits, and where it ends."""
    value = 0
    for shift in range(0, 35, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("longer than 32 bits")


def _leb(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
