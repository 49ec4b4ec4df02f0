"""Guests in the text format, each made to do one thing."""

from __future__ import annotations

_WASI = {
    "fd_write": "(param i32 i32 i32 i32) (result i32)",
    "fd_read": "(param i32 i32 i32 i32) (result i32)",
    "proc_exit": "(param i32)",
    "path_open": "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)",
    "poll_oneoff": "(param i32 i32 i32 i32) (result i32)",
    "fd_prestat_get": "(param i32 i32) (result i32)",
    "environ_sizes_get": "(param i32 i32) (result i32)",
    "args_sizes_get": "(param i32 i32) (result i32)",
    "args_get": "(param i32 i32) (result i32)",
    "environ_get": "(param i32 i32) (result i32)",
}


def guest(body: str, *imports: str, memory: str = "1", more: str = "") -> bytes:
    """A command whose `_start` has this body; `$name` calls an imported function."""
    lines = [
        f'(import "wasi_snapshot_preview1" "{name}" (func ${name} {_WASI[name]}))'
        for name in imports
    ]
    return f"""(module {" ".join(lines)}
      (memory (export "memory") {memory})
      {more}
      (func (export "_start") (local $i i32) {body}))""".encode()


def writes(text: str, fd: int = 1, then: str = "") -> bytes:
    """Writes the text once."""
    data = "".join(f"\\{byte:02x}" for byte in text.encode())
    return guest(
        f"""(i32.store (i32.const 0) (i32.const 64))
        (i32.store (i32.const 4) (i32.const {len(text.encode())}))
        (drop (call $fd_write (i32.const {fd}) (i32.const 0) (i32.const 1) (i32.const 8)))
        {then}""",
        "fd_write", "proc_exit",
        more=f'(data (i32.const 64) "{data}")',
    )  # fmt: skip


HELLO = writes("hello\n")
SPINS = guest("(loop $l br $l)")
TRAPS = guest("unreachable")
SLEEPS = guest(  # an hour, by the monotonic clock: a subscription is 48 bytes
    """(i64.store (i32.const 64) (i64.const 7)) (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.const 3600000000000))
    (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))""",
    "poll_oneoff",
)
POLLS = guest(  # as often as it can, with no time to wait
    """(i32.store (i32.const 80) (i32.const 1))
    (loop $l (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1)
                         (i32.const 512))) br $l)""",
    "poll_oneoff",
)
FLOODS = guest(  # output, for ever
    """(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 60000))
    (loop $l (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
     br $l)""",
    "fd_write",
)
GROWS = guest(
    "(loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 64)) (i32.const 0)))) unreachable"
)
TOUCHES = guest(  # grows as far as it may and writes to every page
    """(loop $l (if (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)) (then br $l)))
    (local.set $i (i32.const 0))
    (loop $t (i32.store (local.get $i) (i32.const 1))
      (local.set $i (i32.add (local.get $i) (i32.const 4096)))
      (br_if $t (i32.lt_u (local.get $i) (i32.mul (memory.size) (i32.const 65536)))))""",
)
RECURSES = guest("call $r", more="(func $r call $r)")
DESCRIPTORS = guest(  # opens "f" in descriptor 3 until it cannot; exits with that errno
    """(loop $l
      (local.set $i (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1)
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
      (br_if $l (i32.eqz (local.get $i))))
    (call $proc_exit (local.get $i))""",
    "path_open", "proc_exit",
    more='(data (i32.const 64) "f")',
)  # fmt: skip
OPENS = guest(  # opens "etc/passwd" under descriptor 3 and exits with the errno
    """(drop (call $fd_prestat_get (i32.const 3) (i32.const 512)))
    (call $proc_exit (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 10)
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))""",
    "path_open", "proc_exit", "fd_prestat_get",
    more='(data (i32.const 64) "etc/passwd")',
)  # fmt: skip
ASKS_FOR_EVERYTHING = guest(  # a new name each time, for ever: a storm of refusals
    """(drop (call $fd_prestat_get (i32.const 3) (i32.const 512)))
    (loop $l (i32.store (i32.const 64) (local.get $i))
      (i32.store8 (i32.const 64) (i32.or (i32.const 48) (i32.and (local.get $i) (i32.const 7))))
      (local.set $i (i32.add (local.get $i) (i32.const 65537)))
      (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4)
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))) br $l)""",
    "path_open",
    "fd_prestat_get",
)
ECHOES = guest(  # copies standard input to standard output
    """(loop $l
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 60000))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (if (i32.load (i32.const 8)) (then
        (i32.store (i32.const 4) (i32.load (i32.const 8)))
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
        br $l)))""",
    "fd_read", "fd_write",
)  # fmt: skip
COUNTS = guest(  # exits with 10 * number of variables + number of arguments
    """(drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $args_sizes_get (i32.const 8) (i32.const 12)))
    (call $proc_exit (i32.add (i32.mul (i32.const 10) (i32.load (i32.const 0)))
                              (i32.load (i32.const 8))))""",
    "environ_sizes_get", "args_sizes_get", "proc_exit",
)  # fmt: skip


def exits(status: int) -> bytes:
    """Ends with this status."""
    return guest(f"(call $proc_exit (i32.const {status}))", "proc_exit")
