"""Owns running a component to its end: `wasi:cli/run`, or one export called with WAVE values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wherever.component import types as ct
from wherever.component.canonical.values import ResultError
from wherever.component.names import BadName, InterfaceName, parse_extern_name
from wherever.component.wit.show import show_func
from wherever.engine.engine import Engine
from wherever.errors import Unsupported
from wherever.hosts.component.census import census
from wherever.hosts.component.codes import Prepared, compiling, modules
from wherever.hosts.component.load import DEFAULT_MEMORY, LoadedComponent, load_validated
from wherever.hosts.component.wasi.linker import wasi_hosts
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
    hosts = wasi_hosts(around, prepared.validated.type.imports)
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
                found.append(show_func(name, extern))
            case ct.InstanceType(exports):
                found += [
                    show_func(f"{name}#{inner}", t)
                    for inner, t in exports.items()
                    if isinstance(t, ct.FuncType)
                ]
            case _:
                pass
    return found


def call_by_text(loaded: LoadedComponent, text: str) -> str:
    """Call an export as `name(args)` in WAVE says; the result in WAVE."""
    from wherever.component.wave import BadWave, parse_call, show_result

    head, _, _ = text.partition("(")
    path = head.strip()
    face: Any = loaded
    name = path
    if "#" in path:
        interface, _, name = path.partition("#")
        face = loaded[interface]
    elif path not in loaded.externs:
        for given, extern in loaded.externs.items():
            if isinstance(extern, ct.InstanceType) and path in extern.exports:
                face = loaded.interface(given)
                break
    ft = face.externs.get(name)
    if not isinstance(ft, ct.FuncType):
        raise Unsupported(
            f"the component has no function {path!r}; it has {', '.join(functions(loaded))}"
        )
    classes = face.classes()
    try:
        args = parse_call(text[len(head) :], ft, classes)
    except BadWave as error:
        raise Malformed(f"{show_func(path, ft)}: {error}") from None
    try:
        result = face.function(name)(*args)
        failed = False
    except ResultError as error:
        result, failed = error.value, True
    return show_result(ft, result, classes, failed=failed)
