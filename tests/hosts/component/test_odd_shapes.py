"""Do large and deep types cross both ways, in each encoding of strings, by mirrors of the host?"""

from __future__ import annotations

from typing import Any

import pytest
from tests.hosts.component.assembling import TOOLS
from tests.hosts.component.mirroring import mirror

from wherever.component.canonical.values import Err, Ok, Some
from wherever.hosts.component.load import load_component

pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")
ENCODINGS = ("utf8", "utf16", "compact-utf16")

CASES = ", ".join(f"c{i}(u{8 << i % 4})" if i % 3 else f"c{i}" for i in range(300))
DEEP = " ".join(f"record d{i} {{ a: d{i - 1}, b: option<d{i - 1}> }}" for i in range(1, 8))
WIT = f"""package test:odd@1.0.0;
interface odd {{
  variant big {{ {CASES} }}
  enum many {{ {", ".join(f"k{i}" for i in range(257))} }}
  flags full {{ {", ".join(f"b{i}" for i in range(32))} }}
  record d0 {{ v: u8 }}
  {DEEP}
  echo-big: func(v: big) -> big;
  echo-many: func(v: many) -> many;
  echo-full: func(v: full) -> full;
  echo-deep: func(v: d7) -> d7;
  echo-options: func(v: option<option<option<u8>>>) -> option<option<option<u8>>>;
  echo-results: func(v: list<option<result<_, string>>>) -> list<option<result<_, string>>>;
  echo-units: func(v: list<result>) -> list<result>;
  echo-char: func(v: char) -> char;
  echo-string: func(v: string) -> string;
  echo-pairs: func(v: list<tuple<string, list<string>>>) -> list<tuple<string, list<string>>>;
  echo-four: func(v: list<u8, 4>) -> list<u8, 4>;
  second: func(a: u8, b: string, c: list<u8>, d: f32, e: option<string>, f: u64, g: s16, h: char,
    i: bool, j: string, k: list<f64>, l: tuple<u8, u8, u8, u8, u8>) -> string;
}}
world w {{ import odd; export odd; }}
"""


class Odd:
    """Gives back what it is given."""

    def __getattr__(self, name: str) -> Any:
        return (lambda *args: args[1]) if name == "second" else (lambda v: v)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_odd_shapes_come_back(encoding: str) -> None:
    with load_component(mirror(WIT, encoding), {"test:odd/odd": Odd()}) as loaded:
        odd = loaded.odd
        big = odd.Big
        for value in (big.C0(), big.C1(1), big.C2(200), big.C255(), big.C256(200), big.C298(9)):
            assert odd.echo_big(value) == value
        assert odd.echo_many(odd.Many.K256) is odd.Many.K256
        for flags in (odd.Full(0), odd.Full.B0 | odd.Full.B31, odd.Full((1 << 32) - 1)):
            assert odd.echo_full(flags) == flags
        deep = odd.D0(1)
        for level in range(1, 8):
            deep = getattr(odd, f"D{level}")(deep, deep if level % 2 else None)
        assert odd.echo_deep(deep) == deep
        for option in (None, Some(None), Some(Some(None)), Some(Some(3))):
            assert odd.echo_options(option) == option
        results = [None, Ok(), Err("é€😀"), Err("")]
        assert odd.echo_results(results) == results
        assert odd.echo_units([Ok(), Err()]) == [Ok(), Err()]
        for char in "a\0é€😀\ud7ff\ue000\U0010ffff":
            assert odd.echo_char(char) == char
        for text in ("", "a" * 70_000, "é" * 5_000, "aé€😀" * 3_000, "é" * 10 + "€", "\0\xff"):
            assert odd.echo_string(text) == text
        pairs = [("é", ["a", "€😀", ""]), ("", [])]
        assert odd.echo_pairs(pairs) == pairs
        assert bytes(odd.echo_four(b"abcd")) == b"abcd"
        spilled = (b"xx", 1.5, None, 1 << 63, -3, "😀", True, "z", [1.0], (1, 2, 3, 4, 5))
        assert odd.second(1, "é€", *spilled) == "é€"


def test_what_does_not_fit_odd_shapes_is_refused_before_the_guest_runs() -> None:
    with load_component(mirror(WIT), {"test:odd/odd": Odd()}) as loaded:
        odd = loaded.odd
        for function, value, error in (
            (odd.echo_char, "\ud800", ValueError),
            (odd.echo_char, "ab", ValueError),
            (odd.echo_string, "\udfff", ValueError),
            (odd.echo_full, 1 << 32, TypeError),
            (odd.echo_full, {"b32"}, TypeError),
            (odd.echo_many, "k257", TypeError),
            (odd.echo_many, 256, TypeError),
            (odd.echo_big, odd.Big.C256(256), ValueError),
            (odd.echo_big, "nope", TypeError),
            (odd.echo_options, 3, TypeError),
            (odd.echo_units, [None], TypeError),
            (odd.echo_deep, None, TypeError),
            (odd.echo_four, b"abc", ValueError),
        ):
            with pytest.raises(error, match="argument 'v'"):
                function(value)
        assert odd.echo_string("ok") == "ok"
