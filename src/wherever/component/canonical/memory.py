"""Owns guarded access to a guest's memory: what one instance's canonical options let the ABI do.

Every pointer and length comes from a hostile guest. Whatever is read is bounds-checked and copied;
whatever is written goes where `realloc` said, checked again after it has run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from wherever.component.canonical.context import ComponentInstance, Memory, trap
from wherever.component.syntax import StringEncoding

UTF16_TAG = 1 << 31
MASK32 = 0xFFFFFFFF
MAX_STRING_BYTES = (1 << 28) - 1

Transfer: TypeAlias = tuple[str, StringEncoding, int]
"""A string on its way between two guests: its text, and the encoding and units it came in."""


class Options:
    """A guest's canonical options at run time: its memory, its `realloc`, its string encoding."""

    __slots__ = ("encoding", "inst", "memory", "put", "realloc", "utf8")

    def __init__(
        self,
        inst: ComponentInstance,
        memory: Memory | None,
        realloc: Callable[[int, int, int, int], int] | None,
        encoding: StringEncoding,
    ) -> None:
        self.inst = inst
        self.memory = memory
        self.realloc = realloc
        self.encoding = encoding
        self.put = self._putter()
        """Allocate room for some bytes and copy them there: (data, alignment) -> pointer."""
        self.utf8 = self._reader()
        """The checked bytes of a UTF-8 string: (pointer, length) -> bytes."""

    # -- bounds ------------------------------------------------------------------------------

    def view(self, ptr: int, size: int, align: int, what: str) -> memoryview:
        """The whole memory, once `ptr` has proved to be aligned and to have `size` bytes."""
        assert self.memory is not None
        if ptr & (align - 1):
            trap(f"{what} pointer {ptr:#x} is not aligned to {align}", "unaligned pointer")
        view = self.memory.view
        if ptr + size > len(view):
            view = self.memory.refresh()
            if ptr + size > len(view):
                trap(
                    f"{what} out of bounds: {size} bytes at {ptr:#x} of a memory of {len(view)}",
                    f"{what} out-of-bounds",
                )
        return view

    # -- writing -----------------------------------------------------------------------------

    def alloc(self, size: int, align: int, old: int = 0, old_size: int = 0) -> int:
        """Call the guest's `realloc` and check what it says."""
        assert self.realloc is not None
        ptr = self.realloc(old, old_size, align, size) & MASK32
        self.view(ptr, size, align, "realloc return")
        return ptr

    def _putter(self) -> Callable[[bytes | bytearray | memoryview, int], int]:
        realloc, memory, check = self.realloc, self.memory, self.view

        def put(data: bytes | bytearray | memoryview, align: int) -> int:
            assert realloc is not None
            assert memory is not None
            size = len(data)
            ptr = realloc(0, 0, align, size) & MASK32
            end = ptr + size
            view = memory.view
            if end > len(view) or ptr & (align - 1):
                view = check(ptr, size, align, "list content")
            view[ptr:end] = data
            return ptr

        return put

    def _reader(self) -> Callable[[int, int], bytes]:
        memory, check = self.memory, self.view

        def utf8(ptr: int, size: int) -> bytes:
            assert memory is not None
            if size > MAX_STRING_BYTES:
                trap(f"string of {size} bytes is too long", "string content out-of-bounds")
            end = ptr + size
            view = memory.view
            if end > len(view):
                view = check(ptr, size, 1, "string content")
            data = bytes(view[ptr:end])
            if not data.isascii():
                try:
                    data.decode()
                except UnicodeDecodeError as error:
                    trap(
                        f"invalid utf8 encoding of a string at {ptr:#x}: {error.reason}",
                        "invalid utf8 encoding",
                    )
            return data

        return utf8

    # -- strings -----------------------------------------------------------------------------

    def text(self, ptr: int, units: int) -> str:
        """load_string_from_range"""
        if self.encoding is StringEncoding.UTF8:
            return self.utf8(ptr, units).decode()
        return self.transfer(ptr, units)[0]

    def transfer(self, ptr: int, units: int) -> Transfer:
        """The string at `ptr`, with the encoding and number of code units it has there."""
        encoding = self.encoding
        if encoding is StringEncoding.UTF8:
            size, codec, align = units, "utf-8", 1
        elif encoding is StringEncoding.UTF16:
            size, codec, align = 2 * units, "utf-16-le", 2
        elif units & UTF16_TAG:
            size, codec, align = 2 * (units ^ UTF16_TAG), "utf-16-le", 2
        else:
            size, codec, align = units, "latin-1", 2
        if size > MAX_STRING_BYTES:
            trap(f"string of {size} bytes out of bounds: too long", "string content out-of-bounds")
        view = self.view(ptr, size, align, "string content")
        try:
            return str(view[ptr : ptr + size], codec), encoding, units
        except UnicodeDecodeError as error:
            trap(
                f"invalid {encoding} encoding of a string at {ptr:#x}: {error.reason}",
                f"invalid {encoding} encoding",
            )

    def put_text(self, text: str) -> tuple[int, int]:
        """Store a string of the host: its pointer and its tagged number of code units."""
        match self.encoding:
            case StringEncoding.UTF8:
                data = text.encode()
                return self.put(data, 1), len(data)
            case StringEncoding.UTF16:
                data = text.encode("utf-16-le")
                return self.put(data, 2), len(data) >> 1
            case StringEncoding.LATIN1_UTF16:
                try:
                    data = text.encode("latin-1")
                except UnicodeEncodeError:
                    data = text.encode("utf-16-le")
                    return self.put(data, 2), len(data) >> 1 | UTF16_TAG
                return self.put(data, 2), len(data)

    def put_transfer(self, transfer: Transfer) -> tuple[int, int]:
        """store_string_into_range: a string from another guest, with the calls to `realloc`
        that the specification makes for each pair of encodings."""
        text, source, units = transfer
        match self.encoding:
            case StringEncoding.UTF8:
                data = text.encode()
                self._bounded(len(data))
                if source is StringEncoding.UTF8:
                    return self.put(data, 1), len(data)
                # store_utf16_to_utf8, store_latin1_to_utf8
                wide = source is StringEncoding.UTF16 or bool(units & UTF16_TAG)
                units &= ~UTF16_TAG
                worst = units * (3 if wide else 2)
                return self._grown(data, units, worst, 1), len(data)
            case StringEncoding.UTF16:
                data = text.encode("utf-16-le")
                self._bounded(len(data))
                if source is StringEncoding.UTF8:
                    return self._shrunk(data, 2 * units, 2), len(data) >> 1
                return self.put(data, 2), len(data) >> 1
            case StringEncoding.LATIN1_UTF16:
                return self._latin1_or_utf16(text, source, units)

    def _bounded(self, size: int) -> None:
        if size > MAX_STRING_BYTES:
            trap(f"string of {size} bytes is too long", "string content out-of-bounds")

    def _grown(self, data: bytes, first: int, worst: int, align: int) -> int:
        """Room for the shortest case first, for the worst if that was not enough, then exact."""
        ptr = self.alloc(first, align)
        if len(data) > first:
            self._bounded(worst)
            ptr = self.alloc(worst, align, ptr, first)
            if worst > len(data):
                ptr = self.alloc(len(data), align, ptr, worst)
        return self._write(ptr, data, align)

    def _shrunk(self, data: bytes, worst: int, align: int) -> int:
        """Room for the worst case, then exact."""
        self._bounded(worst)
        ptr = self.alloc(worst, align)
        if len(data) < worst:
            ptr = self.alloc(len(data), align, ptr, worst)
        return self._write(ptr, data, align)

    def _write(self, ptr: int, data: bytes, align: int) -> int:
        view = self.view(ptr, len(data), align, "string content")
        view[ptr : ptr + len(data)] = data
        return ptr

    def _latin1_or_utf16(self, text: str, source: StringEncoding, units: int) -> tuple[int, int]:
        latin1 = _latin1(text)
        if source is StringEncoding.LATIN1_UTF16 and not units & UTF16_TAG:
            assert latin1 is not None
            return self.put(latin1, 2), len(latin1)
        wide = text.encode("utf-16-le")
        self._bounded(len(wide))
        if units & UTF16_TAG:
            # store_probably_utf16_to_latin1_or_utf16
            ptr = self.alloc(len(wide), 2)
            if latin1 is None:
                return self._write(ptr, wide, 2), len(wide) >> 1 | UTF16_TAG
            ptr = self.alloc(len(latin1), 1, ptr, len(wide))
            return self._write(ptr, latin1, 1), len(latin1)
        # store_string_to_latin1_or_utf16: latin1 as long as it goes, then the worst case
        ptr = self.alloc(units, 2)
        if latin1 is not None:
            if len(latin1) < units:
                ptr = self.alloc(len(latin1), 2, ptr, units)
            return self._write(ptr, latin1, 2), len(latin1)
        worst = 2 * units
        self._bounded(worst)
        ptr = self.alloc(worst, 2, ptr, units)
        if len(wide) < worst:
            ptr = self.alloc(len(wide), 2, ptr, worst)
        return self._write(ptr, wide, 2), len(wide) >> 1 | UTF16_TAG


def _latin1(text: str) -> bytes | None:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None
