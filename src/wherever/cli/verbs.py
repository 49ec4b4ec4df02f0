"""Owns the table of verbs: help, completion and dispatch are all made from it."""

from __future__ import annotations

from wherever.policy.frozen import frozen

__all__ = ["GLOBAL", "VERBS", "Option", "Verb", "verb"]


@frozen
class Option:
    """An option of a verb: `--name`, its value's placeholder ("" for none), what it does."""

    name: str
    value: str
    help: str


@frozen
class Verb:
    """A verb: how it is written, what it does, and examples that teach it."""

    name: str
    usage: str
    summary: str
    about: str
    examples: tuple[tuple[str, str], ...]
    options: tuple[Option, ...] = ()
    takes_grants: bool = False
    words: tuple[str, ...] = ()  # fixed words that may follow, for completion


GLOBAL = (
    Option("help", "", "this help"),
    Option("debug", "", "show a traceback where an error has one"),
)

_EXACT = Option("exact", "", "floating point obeys FPCR and sets FPSR's flags: much slower")

VERBS: tuple[Verb, ...] = (
    Verb(
        "run",
        "wherever run [GRANTS] [LIMITS] PROGRAM [ARGS...]",
        "run a program with only the rights you give it",
        "PROGRAM is a WebAssembly module or component (.wasm), a module's text (.wat), code\n"
        "compiled here (.cwasm), or a static Linux program for aarch64, which is translated.\n"
        "It gets no file, variable or connection that is not granted. What follows PROGRAM is the\n"
        "program's own; its exit status is wherever's.",
        (
            ("wherever run hello.wasm", "nothing granted but the three standard streams"),
            ("wherever run --dir data::/data,rw sort.wasm /data/in", "one directory, writable"),
            ("wherever run --dir src,overlay cc.wasm src/a.c", "writes stay in memory"),
            ("wherever run --env LANG --time 10s --memory 256MiB tool.wasm", "limits"),
            ("wherever run --invoke add lib.wasm 1 2", "call one export of a library"),
            ("wherever run --audit log.jsonl prog.wasm", "write down every decision"),
        ),
        (
            Option("invoke", "NAME", "call this export with ARGS and print its results"),
            Option("audit", "FILE", "write every decision to FILE as JSON lines"),
            Option(
                "argv0", "NAME", "the program's name as it sees it; PROGRAM's file name unless said"
            ),
            _EXACT,
        ),
        takes_grants=True,
    ),
    Verb(
        "inspect",
        "wherever inspect [--json | --wit] PROGRAM",
        "what a program is: imports, exports, memories, features, sizes; a component's world",
        "Reads the file and runs nothing. Of a Linux program: architecture, linkage, C library,\n"
        "functions, instructions by group, what is not translated and where, system calls.",
        (
            ("wherever inspect app.wasm", "what it wants from its host, and what it offers"),
            ("wherever inspect --json app.wasm", "the same for programs"),
            ("wherever inspect busybox", "a Linux program, and what of it is not translated"),
            ("wherever inspect --wit lib.wasm > lib.wit", "a component's world, for other tools"),
        ),
        (
            Option("json", "", "print one JSON object"),
            Option("wit", "", "print a component's world as WIT and nothing else"),
        ),
    ),
    Verb(
        "validate",
        "wherever validate [--json] PROGRAM...",
        "whether modules and components are valid; says where they are not",
        "Prints nothing when all are valid. The exit status is 65 when one is not.",
        (("wherever validate build/*.wasm", "check many files"),),
    ),
    Verb(
        "translate",
        "wherever translate PROGRAM [-o FILE] [--target TARGET] [--jobs N] [--explain WHERE]",
        "make a WebAssembly module of a Linux program",
        "PROGRAM is a static Linux program for aarch64; its source is not needed. `wherever run`\n"
        "translates by itself; this writes the module down, to run it elsewhere.",
        (
            ("wherever translate --target wasi busybox", "busybox.wasm, for any WASI runtime"),
            ("wherever translate --explain main prog", "how one function becomes Wasm"),
        ),
        (
            Option("output", "FILE", "where to write; PROGRAM with .wasm unless said (also -o)"),
            Option("target", "TARGET", "wasi: preview 1 only; wherever: our own imports too"),
            Option("jobs", "N", "in how many processes; as many as there are cores unless said"),
            _EXACT,
            Option(
                "explain",
                "WHERE",
                "print one function (symbol or address) as instructions, IR and Wasm instead",
            ),
        ),
    ),
    Verb(
        "compile",
        "wherever compile PROGRAM [-o FILE]",
        "compile to machine code that `wherever run` loads on this machine",
        "Code is loaded only where it was compiled: its digest is in this user's ledger.",
        (("wherever compile app.wasm -o app.cwasm", "then: wherever run app.cwasm"),),
        (Option("output", "FILE", "where to write; PROGRAM with .cwasm unless said (also -o)"),),
    ),
    Verb(
        "bindings",
        "wherever bindings FILE|WIT-DIR -o PACKAGE",
        "typed Python for a component's interfaces",
        "Writes a package that passes mypy strict: a module an interface, with the WIT's docs.\n"
        "`wherever.load(..., types=PACKAGE.TYPES)` makes values of its classes.",
        (
            ("wherever bindings lib.wasm -o lib_types", "of what a component imports and exports"),
            ("wherever bindings wit/ -o wasi", "of every interface in a folder of WIT"),
        ),
        (Option("o", "PACKAGE", "the folder to write"),),
    ),
    Verb(
        "cache",
        "wherever cache ls|clear",
        "list or empty the caches",
        "They live in WHEREVER_CACHE, or wherever/ in XDG_CACHE_HOME or ~/.cache.",
        (("wherever cache ls", "what is held"), ("wherever cache clear", "remove it all")),
        (Option("json", "", "print one JSON object"),),
        words=("ls", "clear"),
    ),
    Verb(
        "completion",
        "wherever completion bash|zsh|fish",
        "completion for your shell, to be evaluated by it",
        "",
        (
            ('eval "$(wherever completion bash)"', "in ~/.bashrc"),
            ('eval "$(wherever completion zsh)"', "in ~/.zshrc, after compinit"),
            ("wherever completion fish | source", "in ~/.config/fish/config.fish"),
        ),
        words=("bash", "zsh", "fish"),
    ),
    Verb(
        "version",
        "wherever version",
        "the version of wherever, its engine and its Python",
        "Also whether the translator runs as machine code (`make compiled`; WHEREVER_COMPILED=no\n"
        "has it interpreted) or is interpreted, which gives the same bytes in twice the time.",
        (),
        (Option("json", "", "print one JSON object"),),
    ),
    Verb(
        "help",
        "wherever help [VERB]",
        "help for a verb",
        "",
        (("wherever help run", "every grant and limit, with examples"),),
    ),
)


def verb(name: str) -> Verb | None:
    """The verb of that name."""
    return next((each for each in VERBS if each.name == name), None)
