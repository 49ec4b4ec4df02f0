"""Owns running a component to its end: `wasi:cli/run`, or one export called with WAVE values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wherever.component import types as ct
from wherever.component.canonical.values import ResultError, explain
from wherever.component.names import BadName, InterfaceName, parse_extern_name
from wherever.engine.engine import Engine
from wherever.errors import Denied, Unsupported
from wherever.hosts.component.census import census
from wherever.hosts.component.codes import Prepared, compiling, modules
from wherever.hosts.component.face import Face
from wherever.hosts.component.host import find
from wherever.hosts.component.load import DEFAULT_MEMORY, LoadedComponent, load_validated
from wherever.hosts.component.wasi.linker import VERSION, wasi_hosts
from wherever.hosts.wasi.run import GuestExit
from wherever.policy import Malformed
from wherever.system.surroundings import Surroundings


def prepare(data: bytes, engine: Engine) -> Prepared:
    """Everything about a component that can be done before its run is confined."""
    from wherever.component.read import read_component
    from wherever.component.validate import validate

    validated = validate(read_component(data))
    compiled = compiling(engine)
    found = tuple(modules(validated))
    return Prepared(
        validated,
        engine,
        tuple([(module.start, module.end) for module in found]),
        tuple([compiled(module) for module in found]),
        census(validated),
    )


def run_command(
    prepared: Prepared,
    around: Surroundings,
    *,
    memory: int = DEFAULT_MEMORY,
    invoke: str | None = None,
    say: Callable[[str], object] = print,
) -> int:
    """Run the component; its exit status. `invoke` is an export's name or a call in WAVE."""
    imports = prepared.validated.type.imports
    hosts = wasi_hosts(around, imports)
    for name, extern in imports.items():
        if isinstance(extern, ct.InstanceType | ct.FuncType) and find(name, hosts) is None:
            if name.startswith("wasi:"):
                raise Unsupported(
                    f"the component imports {name}; wherever has the interfaces of WASI {VERSION}, "
                    "which stand for every release of 0.2"
                )
            raise Denied(
                f"denied: the component imports {name}, which is none of WASI's: `wherever run` "
                f"has nothing for it; in Python, wherever.load(FILE, host={{{name!r}: ...}})"
            )
    with load_validated(
        prepared.validated,
        hosts,
        memory=memory,
        engine=prepared.engine,
        codes=prepared.found(),
        count=prepared.census,
        title="program",
        described=False,
    ) as loaded:
        try:
            if invoke is not None:
                say(call_by_text(loaded, invoke))
                return 0
            return _run(loaded)
        except GuestExit as exit_:
            return exit_.status


def _run(loaded: LoadedComponent) -> int:
    for name in loaded:
        try:
            parsed = parse_extern_name(name)
        except BadName:
            continue
        if isinstance(parsed, InterfaceName) and (
            (parsed.namespace, parsed.package, parsed.interface) == ("wasi", "cli", "run")
        ):
            run: Any = loaded.interface(name).function("run")
            try:
                run()
            except ResultError:
                return 1
            return 0
    raise Unsupported(
        "the component exports no wasi:cli/run, so it is no command; call one of its functions "
        f"with --invoke 'name(args)': {', '.join(functions(loaded)) or 'it exports none'}"
    )


def functions(loaded: LoadedComponent) -> list[str]:
    """Every function of the component, as `--invoke` takes it."""
    found: list[str] = []
    for name, extern in loaded.externs.items():
        match extern:
            case ct.FuncType():
                found.append(loaded.signature(name))
            case ct.InstanceType(exports):
                face = loaded.interface(name)
                found += [
                    f"{name}#{face.signature(inner)}"
                    for inner, t in exports.items()
                    if isinstance(t, ct.FuncType)
                ]
            case _:
                pass
    return found


def _find(loaded: LoadedComponent, path: str) -> tuple[Face | None, str]:
    """The face that has the function: `name`, `interface#name`, or a name that one exports."""
    interface, mark, name = path.partition("#")
    if mark:
        for given, extern in loaded.externs.items():
            if isinstance(extern, ct.InstanceType) and interface in (given, _short(given)):
                return loaded.interface(given), name
        try:
            found = loaded[interface]  # of another version that may stand for it
        except (KeyError, AttributeError):
            return None, name
        return (found if isinstance(found, Face) else None), name
    if path in loaded.externs:
        return loaded, path
    for given, extern in loaded.externs.items():
        if isinstance(extern, ct.InstanceType) and path in extern.exports:
            return loaded.interface(given), path
    return None, path


def _short(name: str) -> str:
    parsed = parse_extern_name(name)
    return parsed.interface if isinstance(parsed, InterfaceName) else name


def call_by_text(loaded: LoadedComponent, text: str) -> str:
    """Call an export as `name(args)` in WAVE says; the result in WAVE."""
    from wherever.component.wave import BadWave, parse_call, show_result

    head, _, _ = text.partition("(")
    path = head.strip()
    face, name = _find(loaded, path)
    ft = face.externs.get(name) if face is not None else None
    if face is None or not isinstance(ft, ct.FuncType):
        raise Malformed(
            f"--invoke: the component has no function {path!r}; it has"
            f"{''.join(chr(10) + '    ' + line for line in functions(loaded)) or ' none'}"
        )
    classes = face.classes()
    signature = face.signature(name)
    try:
        # the blanks let columns count from the beginning of what the user wrote
        given = " " * len(head) + text[len(head) :]
        args = parse_call(given if given.strip() else "", ft, classes)
        for (label, t), value in zip(ft.params, args, strict=True):
            explain(t, value, f"argument {label}", classes)
    except (BadWave, TypeError, ValueError) as error:
        raise Malformed(f"--invoke {path}: {error}\n    {signature}") from None
    try:
        result = face.function(name)(*args)
        failed = False
    except ResultError as error:
        result, failed = error.value, True
    return show_result(ft, result, classes, failed=failed)
