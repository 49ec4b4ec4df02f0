"""Is compiled code kept and loaded only as the ledger allows?"""

import os
from pathlib import Path

import pytest

from wherever.engine import cache as cache_module
from wherever.engine.cache import CodeCache
from wherever.engine.engine import Code, Engine, wat2wasm
from wherever.engine.profile import Backend, Placement, Profile
from wherever.engine.store import Store
from wherever.errors import LimitExceeded, Unsupported
from wherever.store.cache import Cache

WASM = wat2wasm('(module (func (export "f") (result i32) (i32.const 42)))')
KEY = CodeCache.key("module epochs", WASM)


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


def test_a_key_holds_form_releases_processor_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {KEY, CodeCache.key("module plain", WASM), CodeCache.key("module epochs", WASM[:-1])}
    for name, value in (("VERSION", "51.0.0"), ("__version__", "9"), ("processor", lambda: "x")):
        with monkeypatch.context() as patch:
            patch.setattr(cache_module, name, value)
            keys.add(CodeCache.key("module epochs", WASM))
    assert len(keys) == 6
    assert CodeCache.key("module epochs", WASM) == KEY


def test_a_flipped_bit_or_a_forged_entry_is_a_miss(engine: Engine, cache: CodeCache) -> None:
    code = engine.compile(WASM).serialise()
    other = engine.compile(wat2wasm('(module (func (export "f") (result i32) (i32.const 666)))'))
    for damage in ("flip", "forge", "cut"):
        cache.keep(KEY, code)
        assert cache.get(KEY) == code
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
        assert cache.get(KEY) is None, damage
        assert not cache.made(bytes(data)), damage


def test_code_too_large_to_keep_is_vouched_for(engine: Engine, tmp_path: Path) -> None:
    code = engine.compile(WASM).serialise()
    small = CodeCache(Cache(tmp_path / "code", quota=100))
    small.vouch(KEY, code)
    assert small.get(KEY) is None
    assert small.made(code)
    assert not small.made(code + b"\0")


def test_code_for_another_configuration_is_refused() -> None:
    code = Engine.of(Profile(epochs=False)).compile(WASM)
    with pytest.raises(Unsupported, match="does not load"):
        Engine.of(Profile()).load_own(code.serialise(), WASM)
    with pytest.raises(Unsupported, match="does not load"):
        Engine.of(Profile()).load_own(b"not code", WASM)


def test_a_configuration_is_read_back_from_its_name() -> None:
    for profile in (Profile(), Profile(epochs=False), Profile(fuel=True, backend=Backend.PULLEY)):
        again = Profile.of_code(profile.code_name)
        assert again.code_name == profile.code_name
        assert again.placement is Placement.DEMAND


def test_code_reaches_a_worker_as_a_descriptor(engine: Engine, cache: CodeCache) -> None:
    cache.keep(KEY, engine.compile(WASM).serialise())
    descriptor = cache.descriptor(KEY)
    assert descriptor is not None
    try:
        assert answer(engine.load_descriptor(descriptor, WASM)) == 42
    finally:
        os.close(descriptor)


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
