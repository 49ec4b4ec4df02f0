"""Owns preparing a program: read, recognised, and handed on as sealed memory."""

from __future__ import annotations

import os

from wherever.errors import InvalidProgram, Unsupported
from wherever.nanoprocess.codefile import is_code
from wherever.nanoprocess.compiling import Compiled, compiled_program, found_compiled
from wherever.nanoprocess.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.nanoprocess.compiling import During

    Program = str | os.PathLike[str] | bytes

COMPONENT = b"\0asm\x0d\0\1\0"

__all__ = ["open_program", "read_program"]


def open_program(
    program: Program,
    during: During | None = None,
    expect_component: Callable[[], None] | None = None,
    translate: Callable[[bytes], bytes] | None = None,
    *,
    exact: bool = False,
) -> tuple[str, Compiled]:
    """The program's name and its compiled form.

    What may take long, because no cache has it, is done by `during`, which can say so.
    A Linux program is given to `translate`, if there is one, which can show how far it is;
    `exact` floating point obeys FPCR and reports to FPSR.
    `expect_component` is called before the work on one begins: a worker may get ready meanwhile.
    """
    source = Source(program)
    if expect_component is not None and _may_be_component(source.head):
        expect_component()
    if source.head[:4] == b"\x7fELF":
        return source.name, _translated(source, during, translate, exact=exact)
    if not is_code(source.head):
        require_runnable(source.head, source.name)
    return source.name, compiled_program(source, during)


def _may_be_component(head: bytes) -> bool:
    """Is it worth getting ready for one? Of a text the head says enough; to be wrong costs time."""
    return head[:8] == COMPONENT or (head[:1] in b"(; \n\t\r" and b"(component" in head)


def _translated(
    source: Source,
    during: During | None,
    translate: Callable[[bytes], bytes] | None,
    *,
    exact: bool,
) -> Compiled:
    """A translation's compiled form, found without looking at the translation where it is known."""
    from wherever.aot.cache import translated, translation_known

    data, name = source.data(), source.name
    digest = translation_known(data, exact=exact)
    known = None if digest is None else found_compiled(digest)
    if known is not None:
        return Compiled(known, lambda: translated(data, exact=exact))
    if translate is not None:
        module = translate(data)
    elif during is None:
        module = translated(data, exact=exact)
    else:
        module = during(f"translating {name}", lambda: translated(data, exact=exact))
    translation = Source(module)
    translation.name = name
    return compiled_program(translation, during)


def read_program(program: Program) -> tuple[str, bytes]:
    """The name by which the guest knows itself, and the bytes."""
    if isinstance(program, bytes | bytearray | memoryview):
        return "program", bytes(program)
    path = os.fspath(program)
    with open(path, "rb", buffering=0) as file:
        data = file.readall()
    return path, data


def require_runnable(head: bytes, name: str) -> None:
    """Raise the error that says what the bytes are, where they are nothing that runs here."""
    if head[:8] in (b"\0asm\1\0\0\0", COMPONENT) or head.lstrip()[:7] == b"(module":
        return
    from wherever.program.recognise import Format, recognise

    found = recognise(head)
    match found.format:
        case Format.WASM_MODULE | Format.WAT | Format.WASM_COMPONENT:
            return
        case Format.TAR | Format.OCI_JSON:
            raise Unsupported(
                f"{name} is {found}: running it is not built yet; "
                "WebAssembly modules and components run, as binaries (.wasm) and as text (.wat)"
            )
        case _:
            raise InvalidProgram(
                f"{name} is {found}, not a program that runs here; give a WebAssembly module"
            )
