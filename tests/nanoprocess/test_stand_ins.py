"""What stands in for `typing`, `dataclasses` and `enum` in workers has all that the rooms use."""

from __future__ import annotations

import ast
import enum
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import wherever
from wherever.nanoprocess import light, light_enum
from wherever.nanoprocess.boot import STAND_INS, is_light

ROOT = Path(wherever.__file__).parent


def module_name(path: Path) -> str:
    return "wherever." + str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")


LIGHT = [path for path in sorted(ROOT.rglob("*.py")) if is_light(module_name(path))]


def executed(tree: ast.AST) -> list[ast.AST]:
    """Every node besides those under `if TYPE_CHECKING` and in annotations."""
    found: list[ast.AST] = []
    unread = [getattr(tree, name, None) for name in ("annotation", "returns")]
    for child in ast.iter_child_nodes(tree):
        if child not in unread:
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                for other in child.orelse:
                    found += [other, *executed(other)]
            else:
                found += [child, *executed(child)]
    return found


@pytest.mark.parametrize("path", LIGHT, ids=module_name)
def test_what_a_room_uses_is_there(path: Path) -> None:
    nodes = executed(ast.parse(path.read_text()))
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in STAND_INS:
            for alias in node.names:
                assert hasattr(STAND_INS[node.module], alias.name), alias.name
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = STAND_INS.get(node.value.id)
            assert module is None or hasattr(module, node.attr), node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            make = {"dataclass": light.dataclass, "field": light.field}.get(node.func.id)
            if make is not None:
                known = inspect.signature(make).parameters
                assert {word.arg for word in node.keywords} <= set(known)


def test_the_rooms_of_a_worker_are_light() -> None:
    assert len(LIGHT) > 60
    assert not is_light("wherever.aot.pipeline")


def enumerations(module: Any) -> list[Any]:
    class Plain(module.Enum):  # type: ignore[misc]
        RED = "r"
        GREEN = "g"
        VERT = "g"

        def __str__(self) -> str:
            return "the " + self.name.lower()

    class Number(module.IntEnum):  # type: ignore[misc]
        ONE = 1
        TWO = 2

    class Counted(module.Enum):  # type: ignore[misc]
        A = module.auto()
        B = module.auto()

    class Bits(module.Flag):  # type: ignore[misc]
        NONE = 0
        X = module.auto()
        Y = module.auto()
        Z = module.auto()

    class IntBits(module.IntFlag):  # type: ignore[misc]
        X = 1
        Y = 2
        W = 8

    return [Plain, Number, Counted, Bits, IntBits]


def seen(kind: Any) -> list[object]:
    members = list(kind)
    out: list[object] = [[(each.name, each.value) for each in members], len(kind)]
    out += [str(each) for each in members]
    out += [kind[each.name] is each and kind(each.value) is each for each in members]
    out += [each == each.value for each in members]
    out += [hash(each) == hash(members[0]) for each in members]
    out += [members[0] in kind, bool(members[0]), isinstance(members[0], int)]
    if issubclass(kind, enum.Flag | light_enum.Flag | light_enum.IntFlag):
        pairs = [(a, b) for a in members for b in members]
        out += [((a | b).value, (a & b).value, (a ^ b).value) for a, b in pairs]
        out += [a in (a | b) for a, b in pairs]
        out += [bool(a & b) for a, b in pairs]
        out += [(~a & (members[-1] | members[0])).value for a in members]
        out += [type(a | b) is kind for a, b in pairs]
    if issubclass(kind, int):
        out += [each + 1 for each in members] + [each | 4 for each in members]
        out += [4 | each for each in members]
    return out


@pytest.mark.parametrize("which", range(5))
def test_an_enumeration_is_what_enum_makes(which: int) -> None:
    assert seen(enumerations(light_enum)[which]) == seen(enumerations(enum)[which])


@pytest.mark.parametrize("which", range(5))
def test_a_wrong_value_is_refused_as_enum_does(which: int) -> None:
    for module in (enum, light_enum):
        with pytest.raises(ValueError, match="is not a valid"):
            enumerations(module)[which]("no such value")


def in_a_worker(code: str) -> str:
    boot = (
        f"import sys; sys.path += {[str(ROOT.parent)]!r}; from wherever.nanoprocess import boot; "
        "sys.meta_path.insert(0, boot._Finder());"
    )
    words = [sys.executable, "-I", "-S", "-c", boot + code]
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip()


def test_only_the_rooms_get_stand_ins() -> None:
    out = in_a_worker(
        "from wherever.system import handles; import enum, re;"
        "print(type(handles.Kind).__module__, enum.__name__, type(re.ASCII).__name__)"
    )
    assert out == "wherever.nanoprocess.light_enum enum RegexFlag"


def test_a_worker_imports_nothing_slow() -> None:
    out = in_a_worker("import wherever.nanoprocess.guest; print(*sys.modules)")
    slow = "collections contextlib dataclasses enum functools inspect re threading typing"
    assert not set(slow.split()) & set(out.split())


def test_a_changed_source_is_what_a_worker_runs(tmp_path: Path) -> None:
    """The finder takes a compiled file only if it belongs to the source as it is now."""
    assert isinstance(STAND_INS["typing"], ModuleType)
    package = tmp_path / "wherever"
    (package / "nanoprocess").mkdir(parents=True)
    lights = [f"nanoprocess/{name}" for name in ("light", "light_enum", "light_typing")]
    for name in ("__init__", "version", "nanoprocess/__init__", "nanoprocess/boot", *lights):
        (package / f"{name}.py").write_text((ROOT / f"{name}.py").read_text())
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from wherever.nanoprocess import boot;"
        "sys.meta_path.insert(0, boot._Finder()); from wherever.nanoprocess import probe;"
        "print(probe.X)"
    )
    for number in (1, 22, 333):
        (package / "nanoprocess" / "probe.py").write_text(f"X = {number}\n")
        words = [sys.executable, "-I", "-S", "-c", code]
        out = subprocess.run(words, capture_output=True, check=True, text=True).stdout
        assert out == f"{number}\n"
