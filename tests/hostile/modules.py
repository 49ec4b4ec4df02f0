"""Throw malformed and mutated modules at the engine, in process: nothing may end the process.

    python tests/hostile/modules.py [COUNT] [SEED]

Each module is read, validated, compiled, instantiated and its exports are called under a deadline.
What may come out is a result or an error of the package; a child process runs each batch, so that
an abort or a segmentation fault is seen and its seed printed. Run by `make hostile`.
"""

from __future__ import annotations

import os
import random
import sys
import time
import traceback
from collections import Counter

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.externs import Func, Memory, Table
from wherever.engine.hostcalls import HostFunc
from wherever.engine.outline import Outline, choose
from wherever.engine.profile import Profile
from wherever.engine.store import Limits, Store
from wherever.errors import WhereverError
from wherever.wasm.types import FuncType

BATCH = 500

SEEDS = [
    """(module (memory (export "m") 1 9) (func (export "f") (param i32) (result i32)
      (memory.grow (local.get 0))) (data (i32.const 3) "hostile"))""",
    '(module (func $r (export "r") (call $r)) (func (export "l") (loop (br 0))))',
    """(module (type $s (struct (field (mut i32)) (field (ref null 0))))
      (func (export "g") (result (ref null $s)) (struct.new $s (i32.const 1) (ref.null $s)))
      (func (export "a") (param anyref) (result i32) (ref.test (ref $s) (local.get 0))))""",
    """(module (table (export "t") 4 funcref) (elem (i32.const 1) $f)
      (func $f (export "f") (param i32) (call_indirect (local.get 0)))
      (func (export "g") (result i32) (table.grow (ref.null func) (i32.const 99999999))))""",
    """(module (tag $t (param i32)) (func (export "f") (throw $t (i32.const 4)))
      (func (export "c") (result i32) (block $b (result i32)
        (try_table (catch $t $b) (throw $t (i32.const 4))) (i32.const 3))))""",
    """(module (func (export "v") (param v128) (result v128)
      (i8x16.swizzle (local.get 0) (v128.const i64x2 1 2))))""",
    """(module (import "env" "h" (func $h (param i32) (result i32)))
      (global (export "g") (mut f64) (f64.const 1))
      (func (export "f") (param i32) (result i32) (call $h (call $h (local.get 0))))
      (func $s (drop (call $h (i32.const 1)))) (start $s))""",
    """(module (memory i64 1) (memory 2) (func (export "f") (param i64) (result i32)
      (i32.load (local.get 0)) (i64.store 1 (i32.const 65532) (i64.const 1))))""",
    """(module (func (export "e") (param externref) (result externref) (local.get 0))
      (func (export "t") (param i32) (result i32) (return_call 1 (local.get 0))))""",
    """(module (type $a (array (mut i64))) (func (export "n") (param i32) (result i32)
      (array.len (array.new_default $a (local.get 0)))))""",
]
TOKENS = [0x00, 0x01, 0x7F, 0x80, 0xFF, 0x0B, 0x10, 0x40, 0x70, 0x6F, 0x7B, 0xFD, 0xFC, 0xFB, 0x60]


def mutated(rng: random.Random, corpus: list[bytes]) -> bytes:
    """A module that was valid once."""
    data = bytearray(rng.choice(corpus))
    if rng.random() < 0.6:  # only values, mostly in the code: often valid still
        for _ in range(rng.choice((1, 1, 2, 3))):
            at = rng.randrange(len(data) // 2, len(data))
            data[at] = rng.choice((data[at] ^ 1 << rng.randrange(8), *TOKENS, rng.randrange(256)))
        return bytes(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 12))):
        at = rng.randrange(8, len(data)) if len(data) > 8 else 0
        match rng.randrange(7):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.choice(TOKENS)
            case 2:
                del data[at : at + rng.choice((1, 1, 2, 8))]
            case 3:
                data[at:at] = bytes(rng.choices(TOKENS, k=rng.choice((1, 2, 5))))
            case 4:
                data[at:at] = data[at : at + rng.randrange(1, 20)]
            case 5:
                other = rng.choice(corpus)
                data[at:] = other[min(at, len(other)) :]
            case _:
                data[at : at + 5] = b"\xff\xff\xff\xff\x0f"
        if len(data) < 9:
            data += b"\0" * 9
    return bytes(data)


def throw(wasm: bytes) -> str:
    """What became of one module: a word. Anything but an error of the package propagates."""
    try:
        outline = Outline(wasm)
        engine = Engine.of(choose(outline.shape, Profile()))
        code = engine.compile(wasm, outline)
    except WhereverError as error:
        refusal = f"refused: {type(error).__name__}"
        try:  # what our own reader refuses, the engine must refuse or survive too
            Engine.of(Profile()).compile(wasm)
        except WhereverError:
            return refusal
        return "refused by our reader alone"
    imports = {
        (one.module, one.name): HostFunc(one.type, lambda *_: 7)
        for one in outline.imports
        if isinstance(one.type, FuncType) and len(one.type.results) <= 1
    }
    limits = Limits(memory=64 << 20, memories=4, table_elements=1 << 20, tables=4, instances=2)
    with Store(engine, limits) as store:
        store.set_deadline(0.03)
        try:
            instance = store.instantiate(code, imports)
        except (WhereverError, TypeError, OverflowError) as error:
            return f"not instantiated: {type(error).__name__}"
        kept: list[memoryview] = []
        for name in instance:
            extern = instance[name]
            try:
                match extern:
                    case Func():
                        extern.call(*(_argument(str(one)) for one in extern.type.params))
                    case Memory():
                        kept.append(extern.slice(0, min(extern.refresh(), 64)))
                    case Table():
                        len(extern)
                    case _:
                        pass
            except (WhereverError, TypeError, OverflowError, ValueError):
                continue
    # Views kept past the end of their store must still be readable.
    for view in kept:
        bytes(view)
    return "ran"


def _argument(type_: str) -> object:
    if type_ in ("i32", "i64"):
        return 70_000
    if type_ in ("f32", "f64"):
        return 0.5
    return bytes(16) if type_ == "v128" else None


def batch(seed: int, count: int, corpus: list[bytes]) -> Counter[str]:
    """What became of one batch."""
    rng = random.Random(seed)
    return Counter(throw(mutated(rng, corpus)) for _ in range(count))


def corpus() -> list[bytes]:
    """The modules that mutations start from."""
    return [wat2wasm(text) for text in SEEDS]


def main(count: int, seed: int) -> int:
    seeds = corpus()
    started = time.monotonic()
    fates: Counter[str] = Counter()
    dead = 0
    for number in range(0, count, BATCH):
        # The child is forked before the engine has threads; a fork a batch costs little.
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                found = batch(seed + number, min(BATCH, count - number), seeds)
                with os.fdopen(writer, "w") as out:
                    out.writelines(f"{fate}\t{times}\n" for fate, times in found.items())
                status = 0
            except BaseException:  # the batch's seed is printed by the parent
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writer)
        with os.fdopen(reader) as lines:
            for line in lines:
                fate, times = line.rsplit("\t", 1)
                fates[fate] += int(times)
        _, ended = os.waitpid(pid, 0)
        if ended:
            dead += 1
            sys.stdout.write(f"batch of seed {seed + number} ended with wait status {ended}\n")
    for fate, times in fates.most_common():
        sys.stdout.write(f"{times:8} {fate}\n")
    seconds = time.monotonic() - started
    sys.stdout.write(f"{sum(fates.values())} modules in {seconds:.0f} s, {dead} batches died\n")
    return 1 if dead else 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    raise SystemExit(main(*(given + [20_000, 1][len(given) :])))
