"""WebAssembly/testsuite through `wherever.webassembly`: every command of every file.

`wasm-tools json-from-wast` turns a file into commands and modules, kept under build/. A file is
clean when each command does what it says. Files that are not are listed below, strictly.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wherever import errors
from wherever import webassembly as wa

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = CHECKOUT / "build" / "testsuite"
WASM_TOOLS = Path(sys.executable).parent / "wasm-tools"

# file -> why it is not clean
EXPECTED_FAILURES = {
    "extern": "a host object as anyref: the C API cannot make one (any.convert_extern)",
    "table64": "spectest's table64: the C API cannot make a table that is indexed by i64",
}

SAMPLE = frozenset(
    """address64 align block br_if br_table bulk call call_indirect data elem exports f32 fac func
    global i31 i64 if imports left-to-right linking loop memory memory_grow memory_trap
    multi-memory names ref_func return_call simd_const start struct table_get tag throw traps
    try_table unreachable""".split()  # noqa: SIM905  # a list of 40 strings would be 40 lines
)


def _suite() -> Path:
    named = os.environ.get("WHEREVER_SUITES")
    return (Path(named) if named else CHECKOUT.parent / "shared" / "suites") / "wasm"


def _files() -> list[str]:
    return sorted(path.stem for path in _suite().glob("*.wast"))


def commands(name: str) -> tuple[Path, list[dict[str, Any]]]:
    """The commands of a file, and the folder that its modules lie in."""
    source = _suite() / f"{name}.wast"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    folder = BUILD / f"{name}-{digest}"
    listing = folder / "commands.json"
    if not listing.exists():
        folder.mkdir(parents=True, exist_ok=True)
        aside = folder / f"commands.{os.getpid()}"
        subprocess.run(
            [WASM_TOOLS, "json-from-wast", source, "-o", aside, "--wasm-dir", folder], check=True
        )
        aside.rename(listing)
    return folder, json.loads(listing.read_text())["commands"]


class Host:
    """What an externref of the suite stands for."""

    def __init__(self, number: str) -> None:
        self.number = number


def spectest(store: wa.Store) -> dict[str, object]:
    def printed(*_values: object) -> None:
        return None

    names = ("print", "print_i32", "print_i64", "print_f32", "print_f64")
    return dict.fromkeys((*names, "print_i32_f32", "print_f64_f64"), printed) | {
        "global_i32": wa.Global("i32", 666, store=store),
        "global_i64": wa.Global("i64", 666, store=store),
        "global_f32": wa.Global("f32", 666.6, store=store),
        "global_f64": wa.Global("f64", 666.6, store=store),
        "table": wa.Table("funcref", 10, 20, store=store),
        "memory": wa.Memory(1, 2, store=store),
    }


LANES = {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "f32": "I", "f64": "Q"}
# The suite's words where the engine has others for the same trap.
ALIASES = {
    "undefined element": "out of bounds table access",
    "out of bounds table access": "uninitialized element",
    "uninitialized": "uninitialized element",
    "null function reference": "null reference",
    "null structure reference": "null reference",
    "null array reference": "null reference",
    "null i31 reference": "null reference",
    "null exception reference": "null reference",
    "indirect call": "indirect call type mismatch",
    "integer overflow": "integer overflow",
}


class Runner:
    """The state of one file: its store, its modules by name, the objects of its externrefs."""

    def __init__(self, name: str) -> None:
        self.folder, self.commands = commands(name)
        self.store = wa.Store(tables=10_000, table_elements=10**12, memories=1000, instances=10_000)
        self.imports: dict[str, Any] = {"spectest": spectest(self.store)}
        self.instances: dict[str | None, wa.Instance] = {}
        self.definitions: dict[str | None, wa.Module] = {}
        self.hosts: dict[str, Host] = {}

    def run(self) -> list[str]:
        """Every command; what went wrong, by line."""
        wrong: list[str] = []
        for command in self.commands:
            try:
                getattr(self, command["type"])(command)
            except Exception as error:  # each is reported
                wrong.append(f"line {command['line']} {command['type']}: {error!r:.300}")
        self.store.close()
        return wrong

    def compile(self, command: dict[str, Any]) -> wa.Module:
        data = (self.folder / command.get("binary_filename", command["filename"])).read_bytes()
        text = command.get("module_type") == "text" and "binary_filename" not in command
        return wa.compile(wa.wat2wasm(data.decode()) if text else data)

    def instantiate(self, module: wa.Module) -> wa.Instance:
        return wa.Instance(module, self.imports, store=self.store)

    def module(self, command: dict[str, Any]) -> None:
        instance = self.instantiate(self.compile(command))
        self.instances[None] = self.instances[command.get("name")] = instance

    def module_definition(self, command: dict[str, Any]) -> None:
        self.definitions[None] = self.definitions[command.get("name")] = self.compile(command)

    def module_instance(self, command: dict[str, Any]) -> None:
        instance = self.instantiate(self.definitions[command.get("module")])
        self.instances[None] = self.instances[command.get("instance")] = instance

    def register(self, command: dict[str, Any]) -> None:
        self.imports[command["as"]] = self.instances[command.get("name")].exports

    def action(self, command: dict[str, Any]) -> tuple[object, ...]:
        action = command["action"]
        export = self.instances[action.get("module")].exports[action["field"]]
        if action["type"] == "get":
            return (export.value,)
        result = export(*map(self.value, action["args"]))
        return result if isinstance(result, tuple) else () if result is None else (result,)

    def assert_return(self, command: dict[str, Any]) -> None:
        expected = command["expected"]
        action = command["action"]
        results = self.action(command)
        if len(expected) == 1 and not results:
            results = (None,)
        assert len(results) == len(expected), f"{action['field']}: {results}"
        for result, one in zip(results, expected, strict=True):
            assert self.matches(result, one), f"{action['field']}: {result!r} is not {one}"

    def _trap(self, command: dict[str, Any], act: Any) -> None:
        words = command["text"]
        with pytest.raises(errors.GuestTrap) as caught:
            act()
        code = caught.value.code
        if not code.startswith(words) and not words.startswith(code):
            alias = next((ALIASES[key] for key in ALIASES if words.startswith(key)), "")
            assert code == alias, f"{code!r} is not {words!r}"

    def assert_trap(self, command: dict[str, Any]) -> None:
        self._trap(command, lambda: self.action(command))

    def assert_exhaustion(self, command: dict[str, Any]) -> None:
        with pytest.raises(errors.LimitExceeded, match=command["text"]):
            self.action(command)

    def assert_exception(self, command: dict[str, Any]) -> None:
        with pytest.raises(wa.Exception):
            self.action(command)

    def assert_uninstantiable(self, command: dict[str, Any]) -> None:
        self._trap(command, lambda: self.instantiate(self.compile(command)))

    def assert_unlinkable(self, command: dict[str, Any]) -> None:
        with pytest.raises(wa.LinkError):
            self.instantiate(self.compile(command))

    def assert_invalid(self, command: dict[str, Any]) -> None:
        with pytest.raises((errors.InvalidProgram, UnicodeDecodeError)):
            self.compile(command)

    assert_malformed = assert_invalid

    def value(self, one: dict[str, Any]) -> object:
        value = one.get("value")
        match one["type"]:
            case _ if value == "null":
                return None
            case "i32" | "i64":
                return int(value)
            case "f32":
                return _f32(int(value))
            case "f64":
                return struct.unpack("<d", struct.pack("<Q", int(value)))[0]
            case "v128":
                letter = LANES[one["lane_type"]]
                return struct.pack(f"<{len(value)}{letter}", *map(int, value))
            case "externref":
                return self.hosts.setdefault(value, Host(value))
            case other:
                raise AssertionError(f"an argument of type {other}")

    def matches(self, result: object, one: dict[str, Any]) -> bool:
        value, kind = one.get("value"), one["type"]
        if kind == "either":
            return any(self.matches(result, other) for other in one["values"])
        if value == "null" or kind == "refnull" or kind.startswith("null"):
            return result is None
        if kind in ("f32", "f64"):
            assert isinstance(result, float)
            (bits,) = struct.unpack("<Q", struct.pack("<d", result))
            return _same_float(_narrow(bits) if kind == "f32" else bits, value, kind)
        if kind == "v128":
            assert isinstance(result, bytes)
            lane = one["lane_type"]
            lanes = struct.unpack(f"<{len(value)}{LANES[lane]}", result)
            if lane in ("f32", "f64"):
                return all(map(_same_float, lanes, value, [lane] * len(value)))
            return lanes == tuple(_signed(int(each), lane) for each in value)
        if kind in ("i32", "i64"):
            return result == _signed(int(value), kind)
        if kind == "externref" and value is not None:
            return result is self.hosts.get(value)
        if kind == "funcref":
            return callable(result)
        return result is not None


def _signed(value: int, kind: str) -> int:
    bits = int(kind[1:])
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def _f32(bits: int) -> float:
    """The float of an f32's bits; a NaN keeps them, which a conversion would quiet."""
    if bits & 0x7F800000 != 0x7F800000 or not bits & 0x7FFFFF:
        return struct.unpack("<f", struct.pack("<I", bits))[0]
    wide = (bits & 0x80000000) << 32 | 0x7FF << 52 | (bits & 0x7FFFFF) << 29
    return struct.unpack("<d", struct.pack("<Q", wide))[0]


def _narrow(wide: int) -> int:
    """The bits of the f32 that a float's bits stand for."""
    if wide >> 52 & 0x7FF == 0x7FF:
        return wide >> 32 & 0x80000000 | 0x7F800000 | wide >> 29 & 0x7FFFFF
    (value,) = struct.unpack("<d", struct.pack("<Q", wide))
    return struct.unpack("<I", struct.pack("<f", value))[0]


# kind -> bits, and the exponent with the quiet bit: all of them set is a quiet NaN.
_NANS = {"f32": (32, 0x7FC0_0000), "f64": (64, 0x7FF8_0000_0000_0000)}


def _same_float(bits: int, value: str, kind: str) -> bool:
    width, quiet = _NANS[kind]
    magnitude = bits & ((1 << (width - 1)) - 1)
    match value:
        case "nan:canonical":
            return magnitude == quiet
        case "nan:arithmetic":
            return magnitude & quiet == quiet
        case _:
            return bits == int(value) % (1 << width)


@pytest.mark.parametrize("name", _files())
def test_file(name: str, whole: bool, request: pytest.FixtureRequest) -> None:
    if not whole and name not in SAMPLE:
        pytest.skip("not in the sample: make conformance runs every file")
    if name in EXPECTED_FAILURES:
        request.applymarker(pytest.mark.xfail(reason=EXPECTED_FAILURES[name], strict=True))
    wrong = Runner(name).run()
    assert not wrong, f"{len(wrong)} commands of {name}:\n" + "\n".join(wrong[:10])


def test_the_suite_is_there() -> None:
    if not _suite().is_dir():
        pytest.skip("the upstream suites are absent: set WHEREVER_SUITES")
    assert len(_files()) >= 250
