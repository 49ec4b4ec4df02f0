"""Owns reading bytes in order: LEB128, names, counts, and errors that name the offset.

Every reader of a WebAssembly format, core or component, reads through a `Cursor`. It holds no
state but a position, never copies what it is not asked for, and refuses a count that the remaining
bytes cannot hold before anything is allocated for it.
"""

from __future__ import annotations

from wherever.errors import InvalidProgram


class Malformed(InvalidProgram):
    """The bytes do not follow the binary format: `reason`, at byte `offset` of the input."""

    def __init__(self, reason: str, offset: int, *, what: str = "module") -> None:
        super().__init__(f"malformed {what}: {reason}, at offset {offset:#x}")
        self.reason = reason
        self.offset = offset


class Cursor:
    """A position in `data` that never passes `end`."""

    __slots__ = ("data", "end", "pos", "what")

    def __init__(
        self, data: bytes, pos: int = 0, end: int | None = None, *, what: str = "module"
    ) -> None:
        self.data = data
        self.pos = pos
        self.end = len(data) if end is None else end
        self.what = what

    def error(self, reason: str, offset: int | None = None) -> Malformed:
        """What to raise for what stands at `offset`, by default the current position."""
        return Malformed(reason, self.pos if offset is None else offset, what=self.what)

    def at_end(self) -> bool:
        """Is there nothing left?"""
        return self.pos >= self.end

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self.end - self.pos

    def sub(self, size: int) -> Cursor:
        """Step over `size` bytes and give them as a cursor of their own, with the same offsets."""
        start = self.pos
        self.skip(size)
        return Cursor(self.data, start, start + size, what=self.what)

    def skip(self, size: int) -> None:
        """Step over `size` bytes."""
        if size > self.end - self.pos:
            raise self.error(f"unexpected end: {size} bytes wanted, {self.end - self.pos} left")
        self.pos += size

    def take(self, size: int) -> bytes:
        """`size` bytes, copied."""
        start = self.pos
        self.skip(size)
        return self.data[start : self.pos]

    def view(self, size: int) -> memoryview:
        """`size` bytes, not copied."""
        start = self.pos
        self.skip(size)
        return memoryview(self.data)[start : self.pos]

    def peek(self) -> int:
        """The next byte, left where it is."""
        if self.pos >= self.end:
            raise self.error("unexpected end")
        return self.data[self.pos]

    def u8(self) -> int:
        """One byte."""
        pos = self.pos
        if pos >= self.end:
            raise self.error("unexpected end")
        self.pos = pos + 1
        return self.data[pos]

    def u32(self) -> int:
        """An unsigned LEB128 of at most 32 bits."""
        pos = self.pos
        if pos < self.end and (byte := self.data[pos]) < 0x80:
            self.pos = pos + 1
            return byte
        return self._unsigned(32)

    def u64(self) -> int:
        """An unsigned LEB128 of at most 64 bits."""
        pos = self.pos
        if pos < self.end and (byte := self.data[pos]) < 0x80:
            self.pos = pos + 1
            return byte
        return self._unsigned(64)

    def s32(self) -> int:
        """A signed LEB128 of at most 32 bits."""
        return self._signed(32)

    def s33(self) -> int:
        """A signed LEB128 of at most 33 bits: what the format has for a type or an index."""
        return self._signed(33)

    def s64(self) -> int:
        """A signed LEB128 of at most 64 bits."""
        return self._signed(64)

    def _unsigned(self, bits: int) -> int:
        data, end, start = self.data, self.end, self.pos
        pos = start
        result = shift = 0
        while True:
            if pos >= end:
                raise self.error("unexpected end in an integer", start)
            byte = data[pos]
            pos += 1
            left = bits - shift
            if left <= 7:
                if byte >= 0x80:
                    raise self.error("integer representation too long", start)
                if byte >> left:
                    raise self.error(f"integer too large for u{bits}", start)
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.pos = pos
                return result
            shift += 7

    def _signed(self, bits: int) -> int:
        data, end, start = self.data, self.end, self.pos
        pos = start
        result = shift = 0
        while True:
            if pos >= end:
                raise self.error("unexpected end in an integer", start)
            byte = data[pos]
            pos += 1
            left = bits - shift
            if left <= 7:
                if byte >= 0x80:
                    raise self.error("integer representation too long", start)
                # The unused bits must repeat the sign bit (5.2.2).
                sign_and_unused = byte >> (left - 1)
                if sign_and_unused not in (0, 0x7F >> (left - 1)):
                    raise self.error(f"integer too large for s{bits}", start)
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                self.pos = pos
                return result - (1 << shift) if byte & 0x40 else result

    def count(self, of: str, *, smallest: int = 1) -> int:
        """The length of a vector whose items take at least `smallest` bytes each."""
        start = self.pos
        count = self.u32()
        if count * smallest > self.end - self.pos:
            raise self.error(
                f"unexpected end: {count} {of} do not fit the {self.left} bytes left", start
            )
        return count

    def u32s(self, of: str) -> tuple[int, ...]:
        """A vector of unsigned 32-bit integers."""
        count = self.count(of)
        start = self.pos
        run = self.data[start : start + count]
        if run.isascii():  # every item is a single byte
            self.pos = start + count
            return tuple(run)
        u32 = self.u32
        return tuple([u32() for _ in range(count)])

    def name(self) -> str:
        """A name: a length, then UTF-8 without surrogates or overlong forms (5.2.4)."""
        size = self.u32()
        start = self.pos
        self.skip(size)
        try:
            return self.data[start : self.pos].decode()
        except UnicodeDecodeError as error:
            raise self.error(
                f"malformed UTF-8 encoding in a name ({error.reason})", start + error.start
            ) from None

    def name_bytes(self) -> bytes:
        """A length and that many bytes, where the format asks for no encoding."""
        return self.take(self.u32())
