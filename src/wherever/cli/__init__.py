"""Owns the command line: words in, text and an exit status out.

`main` imports only the verb that was asked for; nothing is decided here.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["main"]

# verb -> the module whose main(words) does it
_MODULES = {
    "run": "run",
    "inspect": "inspect",
    "validate": "validate",
    "compile": "compile",
    "bindings": "bindings",
    "translate": "translate",
    "cache": "cache",
    "completion": "completion",
    "version": "version",
    "help": "help",
}


def main(words: list[str] | None = None) -> int:
    """Do what the words say; returns the exit status, and prints every error as one message."""
    given = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in given[:2]
    if debug:
        given.remove("--debug")
    try:
        _require_streams()
        status = _dispatch(given)
        _flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = _broken_pipe()
    except Exception as error:
        if debug:
            raise
        status = _report(error)
    if words is None and given[:1] == ["run"]:
        import os

        os._exit(status)  # nothing is left to tidy, and the teardown takes milliseconds
    return status


def _require_streams() -> None:
    """The null device for each standard stream that is closed: nothing else may get its number."""
    import os

    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            fd = os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
            os.set_inheritable(fd, True)


def _flush() -> None:
    """Write out what was printed; a process started without standard output has none."""
    stream: TextIO | None = vars(sys)["stdout"]
    if stream is not None:
        stream.flush()


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("--help", "-h"):
        words = ["help", *words[1:]]
    if words[0] in ("--version", "-V"):
        words = ["version", *words[1:]]
    name, rest = words[0], words[1:]
    module = _MODULES.get(name)
    if module is None:
        return _unknown(name)
    if rest[:1] in (["--help"], ["-h"]):
        from wherever.cli import help as pages
        from wherever.cli.verbs import VERBS

        return pages.show(next(each for each in VERBS if each.name == name))
    home = __import__(f"wherever.cli.{module}", fromlist=["main"])
    status: int = home.main(rest)
    return status


def _unknown(name: str) -> int:
    import os

    from wherever.policy import Malformed

    if os.path.isfile(name):
        raise Malformed(f"{name} is a file: to run it, say wherever run {name}")
    import difflib

    close = difflib.get_close_matches(name, _MODULES, 1)
    hint = f"; did you mean {close[0]}?" if close else "; wherever help lists the verbs"
    raise Malformed(f"no such verb: {name}{hint}")


def _report(error: Exception) -> int:
    from wherever.cli.terminal import say_error
    from wherever.errors import InternalError, WhereverError

    if isinstance(error, WhereverError):
        say_error(str(error))
        return error.status
    if isinstance(error, OSError) and error.filename is not None:
        say_error(f"{error.filename}: {error.strerror}")
        return 66 if isinstance(error, FileNotFoundError) else 74  # EX_NOINPUT, EX_IOERR
    if isinstance(error, OSError) and error.errno is not None:  # a full disk, for one
        say_error(error.strerror or str(error))
        _give_up_output()
        return 74
    say_error(
        f"{type(error).__name__}: {error}\nThis is a bug of wherever. Please report it with the "
        "command and what --debug, given as the first word, shows."
    )
    return InternalError.exit_status


def _broken_pipe() -> int:
    """The reader of our output has left: end quietly, as a command killed by SIGPIPE does."""
    _give_up_output()
    return 141


def _give_up_output() -> None:
    """Let what is still buffered go nowhere: Python would try again at its end and exit by 120."""
    import os

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
