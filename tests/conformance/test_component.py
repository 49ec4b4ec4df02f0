"""The component-model suite: every file, every command, and a strict list of what does not pass.

A file in `NOT_YET` must fail, and only because something of the asynchronous ABI was refused by
name; every other file must pass whole.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wherever.component import syntax as cs
from wherever.component import types as ct
from wherever.component.canonical.values import Err, Ok, ResultError, Some
from wherever.component.facts import Validated
from wherever.component.read import read_component
from wherever.component.validate import validate
from wherever.engine.engine import Engine
from wherever.engine.profile import Placement, Profile
from wherever.errors import GuestTrap, InvalidProgram, Unsupported
from wherever.hosts.component.load import LoadedComponent, load_validated

SUITE = (
    Path(os.environ.get("WHEREVER_SUITES", Path(__file__).parents[3] / "shared" / "suites"))
    / "component"
)
TOOLS = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

# file -> why it does not pass yet
_ASYNC = "asynchronous functions, streams, futures and waitables: refused by name (issue 6, next)"
NOT_YET: dict[str, str] = {
    f"async/{name}": _ASYNC
    for name in (
        "async-calls-sync",
        "big-interleaving-test",
        "builtin-trap-poisons-instance",
        "cancel-stream",
        "cancel-subtask",
        "closed-stream",
        "cross-abi-calls",
        "cross-task-future",
        "deadlock",
        "dont-block-start",
        "drop-cross-task-borrow",
        "drop-stream",
        "drop-subtask",
        "drop-waitable-set",
        "during-sync-call-may-block-if-other-ready-threads",
        "during-sync-call-no-exclusive-resume",
        "during-sync-call-no-sibling-resume",
        "empty-wait",
        "futures-must-write",
        "partial-stream-copies",
        "passing-resources",
        "same-component-stream-future",
        "sync-barges-in",
        "sync-streams",
        "trap-if-block-and-sync",
        "trap-if-done",
        "trap-if-sync-and-waitable-set",
        "trap-if-transfer-in-waitable-set",
        "trap-on-reenter",
        "wait-during-callback",
        "zero-length",
    )
}
NOT_YET["values/variants"] = "one of its components calls an async export"
NOT_READ = {"async/cancellable": "wasm-tools 1.262 no longer parses the `cancellable` option"}


def _files() -> list[str]:
    return sorted(str(path.relative_to(SUITE).with_suffix("")) for path in SUITE.glob("*/*.wast"))


pytestmark = pytest.mark.skipif(
    not SUITE.is_dir() or TOOLS is None, reason="the suites or wasm-tools are not here"
)


class Failure(AssertionError):
    """A command did not do what the suite says."""


def core_is_valid(validated: Validated) -> None:
    """Only the engine can say whether the code of a core module is valid."""
    engine = Engine.of(Profile(placement=Placement.DEMAND))
    component = validated.component
    for d, fact in zip(component.definitions, validated.facts, strict=True):
        if isinstance(d, cs.CoreModule):
            engine.validate(component.data[d.start : d.end])
        elif isinstance(fact, Validated):
            core_is_valid(fact)


def to_python(t: ct.ValType | None, value: Any, classes: Any) -> Any:
    """A value of the suite's JSON as Python's value of type `t`."""
    match t:
        case None:
            return None
        case ct.PrimType(prim):
            return to_python(prim, value, classes)
        case ct.Prim.BOOL:
            return value["value"] in (True, "true", "1")
        case ct.Prim.F32:  # the suite's JSON writes the bits
            return struct.unpack("<f", struct.pack("<I", int(value["value"])))[0]
        case ct.Prim.F64:
            return struct.unpack("<d", struct.pack("<Q", int(value["value"])))[0]
        case ct.Prim.CHAR | ct.Prim.STRING:
            return value["value"]
        case ct.Prim():
            return int(value["value"])
        case ct.ListType(element):
            return [to_python(element, item, classes) for item in value["value"]]
        case ct.TupleType(types):
            items = zip(types, value["value"], strict=True)
            return tuple(to_python(x, item, classes) for x, item in items)
        case ct.RecordType(fields):
            given = dict(value["value"])
            return classes.record(t)(*[to_python(f, given[n], classes) for n, f in fields])
        case ct.VariantType(cases):
            index = [name for name, _ in cases].index(value["value"]["case"])
            payload = cases[index][1]
            cls = classes.cases(t)[index]
            return (
                cls()
                if payload is None
                else cls(to_python(payload, value["value"]["payload"], classes))
            )
        case ct.EnumType(labels):
            return classes.enum(t)(labels.index(value["value"]))
        case ct.FlagsType(labels):
            bits = sum(1 << labels.index(label) for label in value["value"])
            return classes.flags(t)(bits)
        case ct.OptionType(some):
            if value["value"] is None:
                return None
            inner = to_python(some, value["value"], classes)
            return Some(inner) if isinstance(some, ct.OptionType) else inner
        case ct.ResultType(ok, error):
            ((which, payload),) = value["value"].items()
            return (
                Ok(to_python(ok, payload, classes))
                if which == "Ok"
                else Err(to_python(error, payload, classes))
            )
        case _:
            raise NotImplementedError(t)


def plain(value: Any) -> Any:
    """Lists of numbers as lists, however they came."""
    if isinstance(value, bytes | memoryview):
        return list(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, Ok | Err | Some):
        return type(value)(plain(value.value))
    return value


class Runner:
    """Runs the commands of one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.definitions: dict[str | None, Validated] = {}
        self.instances: dict[str, LoadedComponent] = {}
        self.current: LoadedComponent | None = None

    def checked(self, command: dict[str, Any]) -> Validated:
        validated = validate(read_component((self.folder / command["filename"]).read_bytes()))
        core_is_valid(validated)
        return validated

    def run(self, command: dict[str, Any]) -> None:
        if command.get("module_type") == "text":
            return  # the text format is wasm-tools' own
        match command["type"]:
            case "module":
                self.current = None
                self.current = load_validated(self.checked(command))
                if command.get("name"):
                    self.instances[command["name"]] = self.current
            case "module_definition":
                self.definitions[command.get("name")] = self.checked(command)
            case "module_instance":
                self.current = None
                self.current = load_validated(self.definitions[command["module"]])
                self.instances[command["instance"]] = self.current
            case "assert_invalid" | "assert_malformed":
                with pytest.raises(InvalidProgram):
                    self.checked(command)
            case "assert_uninstantiable":
                validated = self.checked(command)
                with pytest.raises(GuestTrap):
                    load_validated(validated)
            case "assert_return":
                got, wanted = self.invoke(command["action"], command["expected"])
                if plain(got) != plain(wanted):
                    raise Failure(f"{got!r} is not {wanted!r}")
            case "assert_trap":
                with pytest.raises(GuestTrap):
                    self.invoke(command["action"], [])
            case "action":
                self.invoke(command["action"], [])
            case other:
                raise NotImplementedError(other)

    def invoke(self, action: dict[str, Any], expected: list[Any]) -> tuple[Any, Any]:
        instance = self.instances[action["module"]] if action.get("module") else self.current
        if instance is None:
            raise Unsupported("its component did not load")
        ft = instance._externs[action["field"]]
        assert isinstance(ft, ct.FuncType)
        classes = instance._world.types.classes(instance._environment)
        params = zip(ft.params, action["args"], strict=True)
        args = [to_python(t, arg, classes) for (_, t), arg in params]
        try:
            got = instance[action["field"]](*args)
            if isinstance(ft.result, ct.ResultType):
                got = Ok(got)
        except ResultError as error:
            got = Err(error.value)
        return got, to_python(ft.result, expected[0], classes) if expected else None


def failures(name: str, folder: Path) -> Iterator[tuple[int, BaseException]]:
    assert TOOLS is not None
    listing = folder / "commands.json"
    subprocess.run(
        [TOOLS, "json-from-wast", SUITE / f"{name}.wast", "-o", listing, "--wasm-dir", folder],
        check=True,
        capture_output=True,
    )
    runner = Runner(folder)
    for command in json.loads(listing.read_text())["commands"]:
        try:
            runner.run(command)
        except (Exception, pytest.fail.Exception) as error:  # reported, all of them
            yield command["line"], error


@pytest.mark.parametrize("name", _files())
def test_file(name: str, tmp_path: Path) -> None:
    if name in NOT_READ:
        pytest.skip(NOT_READ[name])
    found = list(failures(name, tmp_path))
    if name in NOT_YET:
        assert found, f"{name} passes: take it off the list"
        others = [f"line {line}: {e!r}" for line, e in found if not isinstance(e, Unsupported)]
        poisoned = [x for x in others if "cannot enter component instance" not in x]
        assert not poisoned, "fails for another reason than the list says:\n" + "\n".join(poisoned)
    else:
        assert not found, "\n".join(f"line {line}: {error!r}" for line, error in found)
