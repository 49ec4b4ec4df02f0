"""Are extern names parsed as the specification writes them?"""

from __future__ import annotations

import pytest

from wherever.component.names import (
    BadName,
    Constructor,
    InterfaceName,
    Label,
    Method,
    Static,
    Version,
    parse_extern_name,
    parse_version,
    uniqueness_key,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("run", Label("run")),
        ("a-B-c0", Label("a-B-c0")),
        ("[constructor]r", Constructor("r")),
        ("[method]r.get-it", Method("r", "get-it")),
        ("[static]r.s", Static("r", "s")),
        (
            "wasi:io/streams@0.2.9",
            InterfaceName("wasi", "io", "streams", Version(0, 2, 9)),
        ),
    ],
)
def test_names(text: str, name: object) -> None:
    parsed = parse_extern_name(text)
    assert parsed == name
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text",
    ["", "1a", "a--b", "aBc", "[method]r", "[new]r", "a:b", "a:b/c@1.0", "A:b/c", "a:b/c/d", "a b"],
)
def test_no_names(text: str) -> None:
    with pytest.raises(BadName):
        parse_extern_name(text)


@pytest.mark.parametrize(
    ("text", "track"),
    [("1.2.3", "1"), ("0.2.9", "0.2"), ("0.0.7", "0.0.7"), ("1.0.0-rc.1", "1.0.0-rc.1")],
)
def test_compatible_versions_share_a_track(text: str, track: str) -> None:
    assert parse_version(text).compatible == track


def test_names_that_conflict() -> None:
    def key(text: str) -> tuple[str, ...]:
        return uniqueness_key(parse_extern_name(text))

    assert key("a-B") == key("A-b")
    assert key("[constructor]a") != key("a")
    assert key("[method]a.b") == key("[static]a.b")
    assert key("[method]a.a") == key("a")
