"""Every kind of grant, absent, present, narrower and malformed, by command line, manifest, Python.

One row a kind. Present: the three ways give one value. Narrower: covered by its parent, while the
parent is not covered by it. Absent: nothing is allowed, and the parent is not covered. Malformed:
each way refuses with `Malformed`, naming what was said; on the command line with status 2.
"""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from wherever.policy import Grants, Limits, Malformed, frozen
from wherever.policy.grammar import FLAGS, parse_words
from wherever.policy.limits import LIMITS
from wherever.policy.manifest import GRANT_KEYS, parse_manifest


@frozen
class Kind:
    """A row of the matrix."""

    flag: str
    key: str
    present: str | bool
    narrower: str | bool | None  # None: there is nothing between this and nothing
    malformed: tuple[object, ...]


PLACES = ("", "a.org", "a.org:", ":80", "a.org:http", "a.org:70000", "a.org:0", "::1:80", "a b:80",
          "a.org:80:80", "x/y:80", "a.org:-1", "a.org:٣")  # fmt: skip
KINDS = (
    Kind("dir", "dirs", "/usr::/u,rw", "/usr/lib::/l,overlay",
         ("", "::", "::/x", "/a::", "/a,", "/a,wr", "/a::/b,RW", "/a\0b", "/a::/../b", ",rw")),
    Kind("env", "env", "A=1", None, ("", "=", "=1", "A\0=1", "A=\0")),
    Kind("net", "net", "a.org:*", "a.org:443", PLACES),
    Kind("listen", "listen", "127.0.0.1:*", "127.0.0.1:8080", PLACES),
    Kind("http", "http", "https://a.org:8443", None,
         ("", "a.org", "ftp://a.org", "https://", "https://a.org/path", "https://u@a.org",
          "https://a.org:x", "https://a.org?q", "HTTPS//a.org")),
    Kind("dns", "dns", True, None, ()),
    Kind("clock", "clock", "coarse", "fixed:2024-01-01T00:00:00Z",
         ("", "REAL", "fixed", "fixed:", "fixed:yesterday", "coarse:1", "fixed:-1", "fixed:1e99",
          "fixed:99999999999")),
    Kind("random", "random", "real", "seed:7",
         ("", "seed", "seed:", "seed:x", "seed:-1", "real:1", "seed:1.5", "seed:" + "9" * 21)),
)  # fmt: skip
LISTS = frozenset(("dirs", "env", "net", "listen", "http"))
WIDE = Grants(clock="real", random="real")
NARROW = Grants(clock="fixed:0", random="seed:0")  # so that the row's own kind decides


def by_words(kind: Kind, value: object) -> Grants:
    words = [f"--{kind.flag}"] if value is True else [f"--{kind.flag}={value}"]
    return parse_words(words).grants


def by_separate_words(kind: Kind, value: object) -> Grants:
    words = [f"--{kind.flag}"] if value is True else [f"--{kind.flag}", str(value)]
    return parse_words(words).grants


def by_manifest(kind: Kind, value: object) -> Grants:
    given = [value] if kind.key in LISTS else value
    text = f"[grants]\n{kind.key} = {json.dumps(given)}\n"
    return parse_manifest(text.encode(), "/m.toml").grants


def by_python(kind: Kind, value: object) -> Grants:
    given: Any = [value] if kind.key in LISTS else value
    return Grants(**{kind.key: given})


WAYS = (by_words, by_separate_words, by_manifest, by_python)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.flag)
def test_present(kind: Kind) -> None:
    values = [way(kind, kind.present) for way in WAYS]
    assert all(value == values[0] for value in values)
    assert values[0] != Grants()
    assert parse_words(values[0].text()).grants == values[0]
    assert values[0].narrower_than(values[0])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.flag)
def test_absent(kind: Kind) -> None:
    for way in WAYS:
        wide = way(kind, kind.present)
        nothing = {"clock": NARROW.clock, "random": NARROW.random}
        if kind.key not in nothing:
            wide = wide.replace(**nothing)
        excess = wide.excess(NARROW)
        assert len(excess) == 1 + (kind.key in nothing)
        assert any(text.startswith(f"--{kind.flag}") for text in excess)
        assert NARROW.narrower_than(wide)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.narrower], ids=lambda kind: kind.flag)
def test_narrower(kind: Kind) -> None:
    for way in WAYS:
        wide, narrow = way(kind, kind.present), way(kind, kind.narrower)
        assert narrow.narrower_than(wide)
        assert not wide.narrower_than(narrow)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(kind, value) for kind in KINDS for value in kind.malformed],
    ids=lambda part: getattr(part, "flag", None) or ascii(part)[:24],
)
def test_malformed(kind: Kind, value: object) -> None:
    for way in WAYS:
        with pytest.raises(Malformed) as caught:
            way(kind, value)
        assert caught.value.status == 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.flag)
@pytest.mark.parametrize("value", [1, None, {"x": 1}, [["x"]]], ids=repr)
def test_malformed_types(kind: Kind, value: object) -> None:
    if value is not None:
        toml = {1: "1", "x": ""}.get(value if isinstance(value, int) else "x") or "[[1]]"
        with pytest.raises(Malformed, match=r"/m.toml"):
            parse_manifest(f"[grants]\n{kind.key} = {toml}\n".encode(), "/m.toml")
    if kind.key in ("clock", "random") and value is None:
        return  # not said
    given: Any = value
    with pytest.raises((Malformed, TypeError)):
        Grants(**{kind.key: [given] if kind.key in LISTS else given})


@pytest.mark.parametrize("words", [["--dir"], ["--env"], ["--time"], ["--dns=yes"],
                                   ["--time", "1", "--time", "2"], ["--memory", "lots"],
                                   ["--manifest", "/does/not/exist"], ["--files", "1.5"],
                                   ["--dir", "/a::/x", "--dir", "/b::/x"]])  # fmt: skip
def test_malformed_words(words: list[str]) -> None:
    with pytest.raises(Malformed):
        parse_words([*words])


def test_words_stop_at_the_program() -> None:
    spoken = parse_words(["--dns", "prog.wasm", "--dir", "/"])
    assert spoken.rest == ("prog.wasm", "--dir", "/")
    assert parse_words(["--", "--dns"]).rest == ("--", "--dns")
    assert parse_words(["--unknown", "x"]).rest == ("--unknown", "x")


@pytest.mark.parametrize(
    "text",
    ["[grant]", "grants = 1", "[grants]\ndir = []", "[limits]\nmem = 1", "[limits]\nmemory = true",
     "[limits]\nmemory = 'lots'", "[limits]\ntime = -1", "[grants]\ndns = 'yes'", "\xff", "[[[",
     "[grants]\ndirs = [{guest = '/x'}]", "[grants]\ndirs = [{host = 'x', mode = 'w'}]",
     "[grants]\ndirs = [{host = 'x', more = 1}]", "[grants]\nenv = {A = 1}", "limits = []"],
)  # fmt: skip
def test_malformed_manifests_name_the_file(text: str) -> None:
    with pytest.raises(Malformed, match=r"the manifest /m.toml"):
        parse_manifest(text.encode("latin-1"), "/m.toml")


def test_a_manifest_is_relative_to_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "wherever.toml"
    file.write_text(
        "[grants]\ndirs = ['data', 'in::/in', {host = 'out', guest = '/out', mode = 'rw'}]\n"
        "env = {LANG = 'C'}\nclock = 'coarse'\n[limits]\ntime = '10s'\nfiles = 9\n"
    )
    spoken = parse_words(["--manifest", str(file), "--time", "5s", "--clock", "fixed:1", "x"])
    assert [(d.host, d.guest, d.mode) for d in spoken.grants.dirs] == [
        (f"{tmp_path}/data", "data", "ro"),
        (f"{tmp_path}/in", "/in", "ro"),
        (f"{tmp_path}/out", "/out", "rw"),
    ]
    assert spoken.grants.clock_kind.kind == "fixed"  # what is typed counts
    limits = spoken.limits_over(Limits())
    assert (limits.time, limits.files) == (5.0, 9)
    assert spoken.rest == ("x",)


def test_principals_are_reserved() -> None:
    from wherever.errors import Unsupported

    with pytest.raises(Unsupported, match="reserved"):
        parse_manifest(b"[principal.web]\n", "/m.toml")


def test_the_published_schema_knows_the_same_names() -> None:
    text = files("wherever.policy").joinpath("manifest.schema.json").read_text()
    schema = json.loads(text)["properties"]
    assert tuple(schema["grants"]["properties"]) == GRANT_KEYS
    assert tuple(schema["limits"]["properties"]) == tuple(LIMITS)
    assert {flag.name for flag in FLAGS} == {
        "dir" if key == "dirs" else key for key in GRANT_KEYS
    } | {"manifest"} | set(LIMITS)


def test_a_manifest_is_toml_that_others_read_alike() -> None:
    text = b"[grants]\ndirs = ['a,rw']\n"
    assert tomllib.loads(text.decode())["grants"]["dirs"] == ["a,rw"]
    assert parse_manifest(text, "/m.toml").grants.dirs[0].host == "/a"
