"""Is compiled code kept and loaded only under the ledger's rule, and compiling bounded?"""

import os
import time
from pathlib import Path

import pytest

from wherever.engine.cache import CodeCache
from wherever.engine.confine import CompileLimits, compile_untrusted, serialised
from wherever.engine.engine import Code, Engine, wat2wasm
from wherever.engine.profile import Backend, Placement, Profile
from wherever.engine.store import Store
from wherever.errors import InvalidProgram, LimitExceeded, Unsupported
from wherever.store.cache import Cache

WASM = wat2wasm('(module (func (export "f") (result i32) (i32.const 42)))')


def answer(code: Code) -> object:
    with Store(code.engine) as store:
        return store.instantiate(code).func("f")()


@pytest.fixture
def cache(tmp_path: Path) -> CodeCache:
    return CodeCache(Cache(tmp_path / "code"))


def kept(cache: CodeCache) -> list[Path]:
    return [
        path
        for path in Path(cache.cache.path).rglob("*")
        if path.is_file() and path.stat().st_size > 2000
    ]


def test_code_is_compiled_once(engine: Engine, cache: CodeCache) -> None:
    assert cache.load(engine, WASM) is None
    assert answer(cache.code(engine, WASM, trusted=True)) == 42
    again = cache.load(engine, WASM)
    assert again is not None
    assert answer(again) == 42


def test_placements_share_code_and_configurations_do_not(cache: CodeCache) -> None:
    pooled, demand = Engine.of(Profile()), Engine.of(Profile(Placement.DEMAND))
    cache.code(pooled, WASM, trusted=True)
    found = cache.load(demand, WASM)
    assert found is not None
    assert answer(found) == 42
    assert cache.load(Engine.of(Profile(epochs=False)), WASM) is None


def test_a_flipped_bit_or_a_forged_entry_is_a_miss(engine: Engine, cache: CodeCache) -> None:
    other = engine.compile(wat2wasm('(module (func (export "f") (result i32) (i32.const 666)))'))
    for damage in ("flip", "forge", "cut"):
        cache.code(engine, WASM, trusted=True)
        (path,) = kept(cache)
        data = bytearray(path.read_bytes())
        if damage == "flip":
            data[len(data) // 2] ^= 1
        elif damage == "forge":
            data = bytearray(other.serialise())
        else:
            del data[1000:]
        path.chmod(0o600)
        path.write_bytes(data)
        assert cache.load(engine, WASM) is None, damage
        assert answer(cache.code(engine, WASM, trusted=True)) == 42


def test_code_for_another_configuration_is_refused() -> None:
    code = Engine.of(Profile(epochs=False)).compile(WASM)
    with pytest.raises(Unsupported, match="does not load"):
        Engine.of(Profile()).load_own(code.serialise(), WASM)
    with pytest.raises(Unsupported, match="does not load"):
        Engine.of(Profile()).load_own(b"not code", WASM)


def test_code_reaches_a_worker_as_a_descriptor(engine: Engine, cache: CodeCache) -> None:
    cache.code(engine, WASM, trusted=True)
    descriptor = cache.descriptor(engine, WASM)
    assert descriptor is not None
    try:
        assert answer(engine.load_descriptor(descriptor, WASM)) == 42
    finally:
        os.close(descriptor)


def test_an_untrusted_module_compiles_in_a_child(engine: Engine, cache: CodeCache) -> None:
    assert answer(compile_untrusted(engine, WASM)) == 42
    assert answer(cache.code(engine, WASM)) == 42
    with pytest.raises(InvalidProgram, match="invalid module"):
        compile_untrusted(engine, b"\0asm\x01\0\0\0\x99")


def test_compiling_is_bounded_in_time_and_memory(engine: Engine) -> None:
    body = "(local.set 0 (i32.mul (local.get 0) (i32.add (local.get 0) (i32.const 3))))" * 40_000
    huge = wat2wasm(f'(module (func (export "f") (param i32) {body}))')
    start = time.monotonic()
    with pytest.raises(LimitExceeded) as caught:
        serialised(engine, huge, CompileLimits(seconds=0.05))
    assert caught.value.limit == "time"
    assert time.monotonic() - start < 5
    with pytest.raises(LimitExceeded) as caught:
        serialised(engine, huge, CompileLimits(memory=60 << 20))
    assert caught.value.limit == "memory"
    with pytest.raises(LimitExceeded) as caught:
        serialised(engine, WASM, CompileLimits(output=100))
    assert caught.value.limit == "compiled size"


def test_the_portable_interpreter_runs_the_same_module() -> None:
    engine = Engine.of(Profile(Placement.DEMAND, backend=Backend.PULLEY))
    assert engine.profile.name == "demand+pulley+epochs"
    assert answer(engine.compile(WASM)) == 42
    spin = engine.compile(wat2wasm('(module (func (export "f") (loop br 0)))'))
    with Store(engine) as store:
        run = store.instantiate(spin).func("f").call
        store.set_deadline(0.02)
        with pytest.raises(LimitExceeded):
            run()
