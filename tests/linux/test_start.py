"""Does the personality start as Linux would start a program?"""

from __future__ import annotations

import struct
from pathlib import Path

from bench_linux import Bench, Portable


def strings(guest: Bench, address: int) -> str:
    return guest.get(address, 200).split(b"\0")[0].decode()


def test_the_first_stack_is_the_one_of_the_abi(guest: Bench) -> None:
    assert guest.sp % 16 == 0
    words = struct.unpack("<80Q", guest.get(guest.sp, 640))
    assert words[0] == 3
    assert [strings(guest, address) for address in words[1:4]] == ["/bin/prog", "one", "two"]
    assert words[4] == 0
    assert {strings(guest, address) for address in words[5:7]} == {"PWD=/work", "HOME=/"}
    assert words[7] == 0
    vector = dict(zip(words[8::2], words[9::2], strict=False))
    assert vector[6] == 4096
    assert vector[9] == 0x400000
    assert strings(guest, vector[31]) == "/bin/prog"
    assert strings(guest, vector[15]) == "aarch64"


def test_the_working_directory_is_pwd(guest: Bench) -> None:
    at = guest.buffer(64)
    assert guest("getcwd", at, 64) == 6
    assert guest.get(at, 6) == b"/work\0"


def test_write_reaches_standard_output(guest: Bench) -> None:
    assert guest("write", 1, b"hello\n", 6) == 6
    assert guest.stdout.read_bytes() == b"hello\n"


def test_open_write_read(guest: Bench) -> None:
    fd = guest("openat", -100, "file", 0o102, 0o644)
    assert fd == 3
    assert guest("write", fd, b"content", 7) == 7
    assert guest("lseek", fd, 0, 0) == 0
    at = guest.buffer(16)
    assert guest("read", fd, at, 16) == 7
    assert guest.get(at, 7) == b"content"
    assert guest("close", fd) == 0


def test_a_signal_to_oneself_is_delivered(guest: Bench) -> None:
    handler, restorer = 0x401000, 0x402000
    action = struct.pack("<4Q", handler, 4 | 0x04000000, restorer, 0)
    assert guest("rt_sigaction", 10, action, 0, 8) == 0
    state = guest.export("linux_state")
    registers = [*range(31), guest.sp, 0x403000, 0x60000000, 0]
    guest.put(state, struct.pack("<35Q", *registers))
    assert guest("kill", 1000, 10) == 0
    assert guest.pending
    assert guest.registers() == 1
    now = struct.unpack("<34Q", guest.get(state, 272))
    assert now[0] == 10
    assert (now[30], now[32]) == (restorer, handler)
    assert struct.unpack("<i", guest.get(now[1], 4)) == (10,)
    guest.put(state, struct.pack("<31Q", *[7] * 31))
    assert guest("rt_sigreturn") == 0
    assert guest.registers() == 1
    assert list(struct.unpack("<34Q", guest.get(state, 272))) == registers[:34]


def test_a_grant_below_what_is_in_memory_is_reached(tmp_path: Path) -> None:
    guest = Portable(tmp_path, ["prog"], {}, at="/tmp/deep/place")
    at = guest.buffer(64)
    assert guest("getcwd", at, 64) == 16
    assert guest.get(at, 16) == b"/tmp/deep/place\0"
    assert guest("openat", -100, "file", 0o101, 0o644) >= 0
    assert (tmp_path / "file").exists()
    assert guest("openat", -100, "/tmp/other", 0o101, 0o644) >= 0
    assert guest("openat", -100, "/tmp/deep/other", 0o101, 0o644) >= 0
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
