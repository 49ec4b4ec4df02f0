"""Owns the guests of the WASI benchmarks: they time themselves and report nanoseconds on stderr."""

from __future__ import annotations

__all__ = ["CAT", "ONE_BYTE", "RUN"]

_IMPORTS = """
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 256) "data")
  (func $now (result i64)
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 64))) (i64.load (i32.const 64)))
  (func $report (param $start i64)
    (i64.store (i32.const 72) (i64.sub (call $now) (local.get $start)))
    (i32.store (i32.const 16) (i32.const 72)) (i32.store (i32.const 20) (i32.const 8))
    (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 80))))
"""

# The file `data` of the first granted directory to standard output, 64 KiB at a time.
CAT = f"""(module {_IMPORTS}
  (func (export "_start") (local $start i64) (local $left i32) (local $at i32)
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 4) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 60))
      (then (call $exit (i32.const 2))))
    (local.set $start (call $now))
    (block $done (loop $more
      (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 65536))
      (if (call $read (i32.load (i32.const 60)) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $exit (i32.const 3))))
      (local.set $left (i32.load (i32.const 8)))
      (br_if $done (i32.eqz (local.get $left)))
      (local.set $at (i32.const 65536))
      (loop $rest
        (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $left))
        (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
          (then (call $exit (i32.const 4))))
        (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
        (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
        (br_if $rest (local.get $left)))
      (br $more)))
    (call $report (local.get $start))))"""

# 200 000 writes of one byte to standard output.
ONE_BYTE = f"""(module {_IMPORTS}
  (func (export "_start") (local $start i64) (local $left i32)
    (local.set $start (call $now))
    (local.set $left (i32.const 200000))
    (i32.store (i32.const 0) (i32.const 256)) (i32.store (i32.const 4) (i32.const 1))
    (loop $more
      (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $exit (i32.const 4))))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $report (local.get $start))))"""

# What a hello imports and does: one line, then the end.
RUN = f"""(module {_IMPORTS}
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 256)) (i32.store (i32.const 4) (i32.const 4))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
