"""Grants, limits and decisions as values."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherever.policy import (
    Audit,
    Clock,
    Decision,
    Dir,
    Env,
    Grants,
    Limits,
    Malformed,
    Net,
    Origin,
    Random,
    frozen,
    replace,
)
from wherever.policy.grammar import parse_words


def test_nothing_is_granted_by_default() -> None:
    grants = Grants()
    assert grants.text() == ()
    assert (grants.dirs, grants.env, grants.net, grants.listen, grants.http) == ((),) * 5
    assert not grants.dns
    assert grants.clock_kind == Clock("real")
    assert grants.random_kind == Random("real")


def test_values_are_frozen_equal_by_fields_and_picklable() -> None:
    one = Grants(dirs=["/a::/b,rw"], env=["A=1"])
    two = Grants(dirs=[Dir(Path("/a"), "/b", "rw")], env={"A": "1"})
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.deepcopy(one) == one
    with pytest.raises(AttributeError, match="frozen"):
        one.dns = True  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del one.env  # type: ignore[misc]
    assert repr(Env("A", "1")) == "Env(name='A', value='1')"
    match one.dirs[0]:
        case Dir(host, guest, mode):
            assert (host, guest, mode) == ("/a", "/b", "rw")


def test_frozen_refuses_wrong_fields() -> None:
    @frozen
    class Point:
        x: int
        y: int = 0

    assert Point(1) == Point(x=1, y=0)
    assert replace(Point(1), y=2) == Point(1, 2)
    with pytest.raises(TypeError, match="needs x"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no z"):
        Point(1, z=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="at most 2"):
        Point(1, 2, 3)  # type: ignore[call-arg]
    assert Point(1) != object()


def test_limits_read_text_and_compare() -> None:
    limits = Limits(memory="256MiB", time="500ms", cpu="unlimited", files="8")  # type: ignore[arg-type]
    assert limits.memory == 256 << 20
    assert limits.time == 0.5
    assert limits.cpu is None
    assert limits.files == 8
    assert limits.text()[:4] == ("--memory", "256MiB", "--time", "500ms")
    assert Limits(memory=1).narrower_than(Limits(memory=2))
    assert Limits(memory=None).excess(Limits(memory=2)) == (
        "--memory unlimited is wider than the parent's 2",
    )
    assert (Limits(memory=1) | Limits(memory=None)).memory is None
    assert Limits().override(time="2m").time == 120


@pytest.mark.parametrize(
    "text", ["", "MiB", "1XB", "-1", "1..2", "1e3", "0x10", "9" * 40, ".", "٣"]
)
def test_malformed_sizes(text: str) -> None:
    with pytest.raises(Malformed, match="is not a size"):
        Limits().override(memory=text)


@pytest.mark.parametrize("text", ["", "s", "10x", "-1s", "nan", "inf"])
def test_malformed_durations(text: str) -> None:
    with pytest.raises(Malformed, match="is not a duration"):
        Limits().override(time=text)


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), -1])
def test_malformed_numbers(value: float) -> None:
    with pytest.raises(Malformed):
        Limits().override(memory=value)


def test_union_takes_the_wider() -> None:
    one = Grants(dirs=["/a::/x,ro"], env=["A=1"], clock="fixed:5")
    two = Grants(dirs=["/a::/x,rw"], env=["A=2", "B"], dns=True)
    both = one | two
    assert both.dirs == (Dir("/a", "/x", "rw"),)
    assert both.env == (Env("A", "2"), Env("B"))
    assert both.dns
    assert both.clock == Clock("fixed", 5)  # the default of the other does not widen it
    assert (one | Grants(clock="coarse")).clock == Clock("coarse")
    with pytest.raises(Malformed, match="two directories for the guest path /x"):
        one | Grants(dirs=["/b::/x"])


def test_the_environment_of_the_guest() -> None:
    grants = Grants(env=["A", "B=2", "MISSING", "E="])
    assert grants.environment({"A": "1", "B": "9", "C": "3"}) == {"A": "1", "B": "2", "E": ""}


def test_attenuation_goes_by_real_paths(tmp_path: Path) -> None:
    inside = tmp_path / "granted" / "inside"
    inside.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "granted" / "link").symlink_to(outside)
    parent = Grants(dirs=[Dir(tmp_path / "granted", "/", "overlay")])
    assert Grants(dirs=[inside]).narrower_than(parent)
    assert Grants(dirs=[Dir(inside, "/x", "overlay")]).narrower_than(parent)
    assert not Grants(dirs=[Dir(inside, "/x", "rw")]).narrower_than(parent)
    assert not Grants(dirs=[tmp_path / "granted" / "link"]).narrower_than(parent)
    assert not Grants(dirs=[tmp_path / "granted" / ".." / "outside"]).narrower_than(parent)
    assert not Grants(dirs=[f"{tmp_path}/granted-not"]).narrower_than(parent)


COVERED = [
    (Grants(), Grants()),
    (Grants(env=["A=1"]), Grants(env=["A=1", "B"])),
    (Grants(net=["a.org:80"]), Grants(net=["a.org:*"])),
    (Grants(net=["a.org:80"]), Grants(net=["*:80"])),
    (Grants(listen=["127.0.0.1:80"]), Grants(listen=["*:*"])),
    (Grants(http=["https://a.org"]), Grants(http=["https://a.org:443"])),
    (Grants(clock="fixed:1", random="seed:1"), Grants()),
    (Grants(clock="coarse"), Grants(clock="real")),
    (Grants(dns=True), Grants(dns=True)),
]
UNCOVERED = [
    (Grants(env=["A=2"]), Grants(env=["A=1"])),
    (Grants(env=["A"]), Grants(env=["A=1"])),
    (Grants(net=["a.org:80"]), Grants(net=["a.org:81", "b.org:80"])),
    (Grants(net=["a.org:*"]), Grants(net=["a.org:80"])),
    (Grants(net=["*:80"]), Grants(net=["a.org:80"])),
    (Grants(listen=["0.0.0.0:80"]), Grants(listen=["127.0.0.1:80"])),
    (Grants(http=["http://a.org"]), Grants(http=["https://a.org"])),
    (Grants(), Grants(clock="coarse", random="seed:1")),
    (Grants(clock="coarse", random="seed:1"), Grants(clock="fixed:1", random="seed:1")),
    (Grants(dns=True), Grants()),
]


@pytest.mark.parametrize(("child", "parent"), COVERED)
def test_covered(child: Grants, parent: Grants) -> None:
    assert child.excess(parent) == ()


@pytest.mark.parametrize(("child", "parent"), UNCOVERED)
def test_uncovered(child: Grants, parent: Grants) -> None:
    assert child.excess(parent)


paths = st.text("ab/.:_", min_size=1, max_size=8).filter(lambda p: "::" not in p and p[0] != ":")
dirs = st.builds(
    lambda host, guest, mode: Dir("/" + host, "/" + guest.replace("..", "x"), mode),
    paths,
    paths,
    st.sampled_from(["ro", "rw", "overlay"]),
)
names = st.text("AB_", min_size=1, max_size=3)
hosts = st.sampled_from(["a.org", "10.0.0.1", "::1", "*"])
ports = st.integers(0, 65535)
all_grants = st.builds(
    Grants,
    dirs=st.lists(dirs, max_size=3, unique_by=lambda d: d.guest),
    env=st.dictionaries(names, st.none() | st.text("a= \n", max_size=4), max_size=3),
    net=st.lists(st.builds(Net, hosts, ports), max_size=2),
    dns=st.booleans(),
    http=st.lists(st.builds(Origin, st.sampled_from(["http", "https"]), hosts, ports), max_size=2),
    clock=st.none() | st.builds(Clock, st.just("fixed"), st.floats(0, 8e9)) | st.just("coarse"),
    random=st.none() | st.builds(Random, st.just("seed"), st.integers(0, 2**64 - 1)),
)


@given(all_grants)
def test_text_reads_back_to_the_same_value(grants: Grants) -> None:
    assert parse_words(grants.text()).grants == grants


@given(all_grants, all_grants)
def test_a_union_covers_its_parts(one: Grants, two: Grants) -> None:
    try:
        both = one | two
    except Malformed:  # two hosts for one guest path
        return
    said = {"env": (), "clock": both.clock, "random": both.random}
    assert one.replace(**said).narrower_than(both)
    assert two.replace(**said).narrower_than(both)
    assert both | both == both


def test_decisions_are_bounded_and_safe_to_print() -> None:
    evil = Decision(
        "open", "/\x1b]0;owned\x07\r\n" + "x" * 10_000, False, "no directory", "--dir /"
    )
    assert len(evil.thing) == 4097
    assert evil.sentence().isprintable()
    assert r"\x1b]0;owned\x07\r\n" in evil.sentence()
    assert evil.sentence().endswith("; no directory; grant --dir /")
    assert Decision.from_record(dict(evil.record())).thing == evil.thing


def test_an_audit_is_bounded() -> None:
    seen: list[Decision] = []
    audit = Audit(seen.append, most=10)
    for number in range(25):
        granted = audit(Decision("open", f"/{number}", number % 2 == 0, "rule"))
        assert granted == (number % 2 == 0)
        audit(Decision("open", f"/{number}", number % 2 == 0, "rule"))
    assert len(seen) == 10
    assert len(audit.denials) == 5
    assert audit.dropped == 30
