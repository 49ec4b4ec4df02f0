"""Do WASI 0.2's interfaces give what was granted, and name what was not?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wherever.component.canonical.values import Err, Ok, ResultError
from wherever.errors import Denied
from wherever.hosts.component.wasi.linker import wasi_hosts
from wherever.hosts.wasi.run import GuestExit
from wherever.policy import Grants
from wherever.policy.grammar import parse_words
from wherever.system.streams import BytesInput, CapturedOutput, NoStream
from wherever.system.surroundings import Surroundings, surroundings


def bits(value: int) -> Any:
    return SimpleNamespace(value=value)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Surroundings]:
    (tmp_path / "in.txt").write_text("content")
    grants: Grants = parse_words(
        ["--dir", f"{tmp_path}::/data,rw", "--env", "NAME=me", "--random", "seed:1"]
    ).grants
    streams = (BytesInput(b"typed"), CapturedOutput(1 << 16), NoStream())
    around = surroundings(grants, None, ["prog", "x"], streams=streams)
    yield around
    around.close()


def test_arguments_environment_exit(world: Surroundings) -> None:
    hosts = wasi_hosts(world)
    environment = hosts["wasi:cli/environment@0.2.9"]
    assert environment.get_arguments() == ["prog", "x"]
    assert environment.get_environment() == [("NAME", "me")]
    for given, status in ((Ok(), 0), (Err(), 1)):
        with pytest.raises(GuestExit) as ended:
            hosts["wasi:cli/exit@0.2.9"].exit(given)
        assert ended.value.status == status


def test_files_in_a_granted_directory(world: Surroundings, tmp_path: Path) -> None:
    hosts = wasi_hosts(world)
    preopens = hosts["wasi:filesystem/preopens@0.2.9"].get_directories()
    assert [path for _, path in preopens] == ["/data", "/"]
    data, root = preopens[0][0], preopens[1][0]
    file = data.open_at(bits(0), "in.txt", bits(0), bits(1))
    assert file.read(100, 3) == (b"tent", False)
    assert file.stat()["size"] == 7
    stream = file.read_via_stream(0)
    assert stream.blocking_read(100) == b"content"
    with pytest.raises(ResultError) as closed:
        stream.blocking_read(1)
    assert closed.value.value == "closed"
    made = data.open_at(bits(0), "out.txt", bits(1), bits(2))
    made.write_via_stream(0).blocking_write_and_flush(b"written")
    assert (tmp_path / "out.txt").read_text() == "written"
    names = []
    listing = data.read_directory()
    while (entry := listing.read_directory_entry()) is not None:
        names.append(entry["name"])
    assert sorted(names) == ["in.txt", "out.txt"]
    for directory, path in ((root, "etc/passwd"), (data, "../secret"), (data, "missing")):
        with pytest.raises(ResultError) as refused:
            directory.open_at(bits(1), path, bits(0), bits(1))
        assert refused.value.value in ("no-entry", "not-permitted", "access", "cross-device")
    with pytest.raises(ResultError) as unreadable:
        made.read(1, 0)
    assert unreadable.value.value == "bad-descriptor"


def test_streams_clocks_random(world: Surroundings) -> None:
    hosts = wasi_hosts(world)
    assert hosts["wasi:cli/stdin@0.2.9"].get_stdin().blocking_read(100) == b"typed"
    out = hosts["wasi:cli/stdout@0.2.9"].get_stdout()
    assert out.check_write() >= 4096
    out.write(b"x")
    clock = hosts["wasi:clocks/monotonic-clock@0.2.9"]
    poll = hosts["wasi:io/poll@0.2.9"].poll
    soon, later = clock.subscribe_duration(1000), clock.subscribe_duration(1 << 60)
    assert poll([later, soon]) == [1]
    assert not later.ready()
    random = hosts["wasi:random/random@0.2.9"]
    assert len(random.get_random_bytes(9)) == 9


def test_the_network_is_refused_by_name(world: Surroundings) -> None:
    name = "wasi:sockets/tcp-create-socket@0.2.9"
    host = wasi_hosts(world, {name: None})[name]
    with pytest.raises(Denied, match="--net"):
        host.create_tcp_socket(0)
