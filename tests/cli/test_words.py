"""The command line: what its words do, its errors, its help and its completion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wherever.cli import main
from wherever.cli.completion import flags_of, script
from wherever.cli.verbs import VERBS
from wherever.policy.grammar import FLAGS


def says(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(list(words))
    out, err = capsys.readouterr()
    return status, out, err


def test_nothing_at_all_shows_the_overview(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = says(capsys)
    assert (status, err) == (0, "")
    assert all(verb.name in out for verb in VERBS)


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_has_a_page(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    asked = says(capsys, "help", verb)
    assert asked == says(capsys, verb, "--help")
    assert asked[0] == 0
    assert f"Usage: wherever {verb}" in asked[1]
    assert "\x1b" not in asked[1]


def test_the_page_of_run_teaches_every_grant(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = says(capsys, "run", "--help")
    for flag in FLAGS:
        assert f"--{flag.name} {flag.value}".rstrip() in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["frob"], "no such verb: frob"),
        (["rnu"], "did you mean run?"),
        (["cache"], "wherever cache ls"),
        (["cache", "burn"], "wherever cache ls"),
        (["completion"], "bash, zsh or fish"),
        (["completion", "csh"], "bash, zsh or fish"),
        (["version", "x"], "takes nothing"),
        (["help", "frob"], "no such verb: frob"),
        (["\x1b[31mred"], r"\x1b[31mred"),
        ([str(Path(__file__))], "to run it, say wherever run"),
    ],
)
def test_usage_errors_are_one_message_and_status_2(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    status, out, err = says(capsys, *words)
    assert status == 2
    assert out == ""
    assert err.startswith("wherever: error: ")
    assert message in err
    assert "Traceback" not in err
    assert "\x1b" not in err


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(ValueError, match="no such verb"):
        main(["--debug", "frob"])


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = says(capsys, "version")
    assert status == 0
    assert out.startswith("wherever ")
    assert "wasmtime 50.0.1" in out
    assert "\ntranslator compiled for " in out or "\ntranslator interpreted: " in out
    assert says(capsys, "--version")[1] == out
    told = json.loads(says(capsys, "version", "--json")[1])
    assert told["wasmtime"] == "50.0.1"
    assert f"translator {told['translator']}\n" in out


def test_cache_ls_and_clear(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wherever.store import digest_of_parts, open_cache

    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path / "c"))
    assert "nothing is held" in says(capsys, "cache", "ls")[1]
    open_cache("code").put(digest_of_parts("k"), bytes(2048))
    assert "code                 1 entries      2.0 KiB" in says(capsys, "cache", "ls")[1]
    assert '"entries": 1, "bytes": 2048' in says(capsys, "cache", "ls", "--json")[1]
    assert says(capsys, "cache", "clear")[1] == "removed 1 entries, 2.0 KiB\n"
    (tmp_path / "c" / "code").chmod(0o777)
    status, _, err = says(capsys, "cache", "ls")
    assert status == 77
    assert "chmod 700" in err


def test_colour_only_where_it_belongs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in says(capsys)[1]  # not a terminal
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1m" in says(capsys)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in says(capsys)[1]


def test_completion_offers_every_verb_and_flag() -> None:
    for shell in ("bash", "zsh", "fish"):
        text = script(shell)
        for verb in VERBS:
            assert verb.name in text
            for name, _, _ in flags_of(verb):
                assert name in text


def complete(line: str, each: str = "%s\\n") -> set[str]:
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    show = f"printf '{each}' \"${{COMPREPLY[@]}}\""
    ask = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _wherever; {show}"
    command = ["bash", "-c", script("bash") + ask]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.wasm").touch()
    assert complete("wherever in") == {"inspect"}
    assert complete("wherever cache ") == {"ls", "clear"}
    assert complete("wherever run --m") == {"--memory", "--manifest"}
    assert complete("wherever run --clock ") == {"real", "coarse", "fixed:"}
    assert complete("wherever run --dns a") == {"app.wasm"}
    assert complete("wherever run --env A=1 app.wasm --m") == set()  # the guest's own words
    assert complete("wherever run app.wasm a") == {"app.wasm"}
    (tmp_path / "my data").touch()
    assert complete("wherever run m", each="<%s>") == {"<my data>"}


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m wherever completion bash | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert done.stderr == b""


def test_nothing_heavy_is_imported() -> None:
    heavy = {
        "argparse", "dataclasses", "inspect", "json", "pathlib", "re", "shutil", "subprocess",
        "tempfile", "typing", "importlib.metadata", "asyncio", "ctypes", "wherever.engine",
    }  # fmt: skip
    code = "import sys; from wherever.cli import main; main(['version']); print(*sys.modules)"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert heavy & set(done.stdout.split()) == set()
