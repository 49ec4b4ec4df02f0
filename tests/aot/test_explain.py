"""Does an explanation show one function at every stage, and does it help where a name is wrong?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wherever.aot.explain import explain
from wherever.aot.pipeline import translate
from wherever.cli.explain import show
from wherever.errors import InvalidProgram
from wherever.ir.parse import parse_block
from wherever.ir.verify import Stage
from wherever.isa.aarch64.registers import REGISTERS

PROGRAMS = Path(__file__).parents[1] / "programs"
FLAGS = ("-target", "aarch64-linux-musl", "-static", "-nostdlib")


@pytest.fixture(autouse=True)
def cache_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def program(guest: Callable[..., Path]) -> bytes:
    return guest(PROGRAMS / "fib.S", *FLAGS).read_bytes()


@pytest.mark.slow
def test_a_function_by_its_symbol(program: bytes) -> None:
    found = explain(program, "fib", "wasi")
    assert found.name == "fib"
    assert dict(found.facts)["results"] == "x0"
    (first, *_) = found.blocks
    assert first.start == found.entry
    assert first.instructions[0].endswith("cmp x0, #2")
    titles = [title for title, _ in found.wasm]
    assert titles == ["Wasm, fib", "Wasm, enter fib", "Wasm, resume fib"]
    assert any("call " in line for line in found.wasm[0][1])
    # under our own host the last two are in a module of their own
    assert [title for title, _ in explain(program, "fib").wasm] == titles
    # what is shown of the IR is its text, and reads back
    for block in found.blocks:
        for _, lines in block.stages:
            assert parse_block("\n".join(lines), REGISTERS).start == block.start


@pytest.mark.slow
def test_calls_that_are_made_in_place_are_named(guest: Callable[..., Path]) -> None:
    program = guest(PROGRAMS / "inlined.S", *FLAGS).read_bytes()
    facts = {name: dict(explain(program, name, "wasi").facts) for name in ("down", "halve")}
    assert facts["down"]["calls in place"] == "down 7 times"
    assert "calls in place" not in facts["halve"]


@pytest.mark.slow
def test_a_function_by_an_address_inside_it(program: bytes) -> None:
    entry = explain(program, "fib", "wasi").entry
    assert explain(program, f"{entry + 8:#x}", "wasi").name == "fib"
    assert explain(program, f"{entry + 8:x}", "wasi").name == "fib"


@pytest.mark.parametrize(
    ("where", "why"),
    [("fibs", "there are fib"), ("0x4", "no code is at 0x4"), ("zzz", "names 2 functions")],
)
def test_what_is_not_there_is_refused_with_a_hint(program: bytes, where: str, why: str) -> None:
    with pytest.raises(InvalidProgram, match=why):
        explain(program, where, "wasi")


@pytest.mark.slow
def test_wide_terminals_get_columns_and_colour_only_where_it_is_wanted(
    program: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explain(program, "fib", "wasi")
    for name, value in (("COLUMNS", "160"), ("FORCE_COLOR", ""), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    show(found)
    wide = capsys.readouterr().out
    row = next(line for line in wide.splitlines() if "cmp x0, #2" in line)
    assert "IR, lifted" in row
    assert "Wasm, fib" in row
    assert max(map(len, wide.splitlines())) <= 160
    assert "\x1b" not in wide
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    show(found)
    narrow = capsys.readouterr().out
    assert "\x1b[1mIR, lifted\x1b[0m" in narrow
    assert narrow.count("\n") > wide.count("\n")


def test_the_stages_are_seen_in_order(program: bytes, stub: bytes) -> None:
    seen: list[tuple[Stage, bool]] = []
    translate(program, stub, watch=lambda stage, lifted: seen.append((stage, bool(lifted.blocks))))
    assert seen == [(Stage.LIFTED, True), (Stage.LINKED, True)]
