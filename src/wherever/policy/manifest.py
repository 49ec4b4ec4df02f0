"""Owns the manifest: grants and limits in a TOML file, which is read only when it is named.

    [grants]                                   [limits]
    dirs = ["data::/data,rw"]                  memory = "256MiB"
    env = ["LANG", "MODE=fast"]                time = "10s"
    clock = "fixed:2024-01-01T00:00:00Z"

The published schema is `manifest.schema.json` beside this file.
"""

from __future__ import annotations

import os

from wherever.errors import Unsupported
from wherever.policy.entries import Dir, Env
from wherever.policy.frozen import frozen
from wherever.policy.grants import Grants
from wherever.policy.limits import LIMITS
from wherever.policy.malformed import Malformed
from wherever.policy.spelling import parse_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard

    Table = dict[str, object]

__all__ = ["GRANT_KEYS", "Manifest", "parse_manifest", "read_manifest"]

_LARGEST = 1 << 20
_DIR_KEYS = ("host", "guest", "mode")
GRANT_KEYS = ("dirs", "env", "net", "listen", "dns", "http", "clock", "random")


@frozen
class Manifest:
    """The grants of a manifest, and the limits that it names."""

    grants: Grants
    limits: dict[str, str | float | None]


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Read a manifest; its relative directories start at its own folder."""
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise Malformed(f"cannot read the manifest {name}: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise Malformed(f"the manifest {name} is larger than 1 MiB")
    return parse_manifest(data, name)


def parse_manifest(data: bytes, name: str) -> Manifest:
    """The meaning of a manifest's bytes; `name` is for messages and for relative directories."""
    import tomllib

    try:
        table: Table = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the manifest {name} is not TOML: {error}") from None
    if "principal" in table:
        raise Unsupported(
            f"the manifest {name} has [principal]: the word is reserved, separate rights inside "
            "one nanoprocess are not built yet; run one nanoprocess for each"
        )
    try:
        _only(table, ("grants", "limits"), "")
        grants = _grants(_table(table.get("grants", {}), "grants"), os.path.dirname(name) or ".")
        limits = _limits(_table(table.get("limits", {}), "limits"))
    except Malformed as error:
        raise Malformed(f"the manifest {name}: {error}") from None
    return Manifest(grants, limits)


def _grants(table: Table, folder: str) -> Grants:
    _only(table, GRANT_KEYS, "grants.")
    dns = table.get("dns", False)
    if not isinstance(dns, bool):
        raise Malformed("grants.dns should be true or false")
    return Grants(
        dirs=[_dir(entry, folder) for entry in _list(table.get("dirs", []), "dirs")],
        env=_environment(table.get("env", [])),
        net=_strings(table, "net"),
        listen=_strings(table, "listen"),
        dns=dns,
        http=_strings(table, "http"),
        clock=_string(table["clock"], "clock") if "clock" in table else None,
        random=_string(table["random"], "random") if "random" in table else None,
    )


def _limits(table: Table) -> dict[str, str | float | None]:
    _only(table, tuple(LIMITS), "limits.")
    found: dict[str, str | float | None] = {}
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Malformed(f"limits.{key} should be a text or a number, not {value!r}")
        LIMITS[key][0](value)  # refuses what means nothing
        found[key] = value
    return found


def _dir(entry: object, folder: str) -> Dir:
    """A directory, as text or as a table of host, guest and mode."""
    if isinstance(entry, str):
        as_written, in_folder = parse_dir(entry), parse_dir(os.path.join(folder, entry))
        named = entry.rpartition(",")[0] or entry
        guest = as_written.guest if "::" in entry else named
        return Dir(in_folder.host, guest, as_written.mode)
    table = dict(_table(entry, "an entry of dirs"))
    host, guest, mode = (_string(table.pop(key, ""), f"dirs.{key}") for key in _DIR_KEYS)
    if not host or table:
        raise Malformed("a directory has host, and may have guest and mode")
    return Dir(os.path.join(folder, host), guest or host, mode or "ro")


def _environment(value: object) -> list[Env | str]:
    """Variables as a list of texts, or as a table of names and values."""
    if _is_table(value):
        return [Env(name, _string(each, f"env.{name}")) for name, each in value.items()]
    return [_string(each, "env") for each in _list(value, "env")]


def _only(table: Table, known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise Malformed(f"{where}{key} means nothing; known here: {', '.join(known)}")


def _is_table(value: object) -> TypeGuard[Table]:
    return isinstance(value, dict)  # TOML's keys are texts


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _table(value: object, key: str) -> Table:
    if not _is_table(value):
        raise Malformed(f"{key} should be a table")
    return value


def _list(value: object, key: str) -> list[object]:
    if not _is_list(value):
        raise Malformed(f"{key} should be a list")
    return value


def _strings(table: Table, key: str) -> list[str]:
    return [_string(each, key) for each in _list(table.get(key, []), key)]


def _string(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{key} should hold text, not {value!r}")
    return value
