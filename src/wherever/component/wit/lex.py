"""Owns WIT's tokens: identifiers, punctuation, docs (WIT.md, Lexical structure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wherever.errors import InvalidProgram

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      |(?P<doc>///[^\n]*)
      |(?P<line>//[^\n]*)
      |(?P<block>/\*)
      |(?P<id>%?[A-Za-z][0-9A-Za-z]*(?:-[0-9A-Za-z]+)*)
      |(?P<number>[0-9]+)
      |(?P<mark>->|[=,:;(){}<>*.@/_+-])""",
    re.VERBOSE,
)
MAX_BYTES = 16 << 20


class BadWit(InvalidProgram):
    """The text is not WIT, or names what is not there; the message says where."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind (`id`, `number`, `mark`, `end`), text, line, and the docs before it."""

    kind: str
    text: str
    line: int
    docs: str = ""
    start: int = 0
    end: int = 0


def tokens(text: str, file: str) -> list[Token]:
    """The tokens of `text`, the last of kind `end`."""
    if len(text) > MAX_BYTES:
        raise BadWit(f"{file}: larger than {MAX_BYTES} bytes")
    found: list[Token] = []
    docs: list[str] = []
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise BadWit(f"{file}:{line}: unexpected character {text[at]!r}")
        kind, word = match.lastgroup, match.group()
        end = match.end()
        if kind == "block":
            end = _block_end(text, at, file, line)
            word = text[at:end]
            if word.startswith("/**") and len(word) > 4:
                docs.append(_block_docs(word))
        elif kind == "doc":
            docs.append(word[3:].removeprefix(" "))
        elif kind not in ("space", "line"):
            found.append(Token(kind, word, line, "\n".join(docs), at, end))
            docs = []
        line += word.count("\n")
        at = end
    found.append(Token("end", "", line, "", at, at))
    return found


def _block_end(text: str, at: int, file: str, line: int) -> int:
    """Where a block comment ends; they nest."""
    depth, place = 0, at
    while True:
        opening, closing = text.find("/*", place), text.find("*/", place)
        if closing < 0:
            raise BadWit(f"{file}:{line}: a comment that does not end")
        if 0 <= opening < closing:
            depth += 1
            place = opening + 2
        else:
            depth -= 1
            place = closing + 2
            if depth == 0:
                return place


def _block_docs(word: str) -> str:
    lines = [line.strip().removeprefix("*").strip() for line in word[3:-2].splitlines()]
    return "\n".join(lines).strip()
