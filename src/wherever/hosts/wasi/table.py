"""Owns the table of preview 1: each function once, with its parameters, rights and body.

A parameter is written as in the document, reduced to what an adapter must know: `fd` (a descriptor
whose rights are checked before the body runs), `number` (a descriptor that the body looks up), a
32-bit or 64-bit integer. From this come the Wasm signature, the binding and the reference page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wherever.hosts.wasi import files, paths, polls, process, sockets
from wherever.hosts.wasi.abi import Rights

__all__ = ["FUNCTIONS", "MODULE", "Function"]

MODULE: Final = "wasi_snapshot_preview1"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the document. `words` are its parameters: fd, number, i32, i64."""

    name: str
    words: tuple[str, ...]
    body: Callable[..., int]
    rights: int
    fd: int  # which parameter is the descriptor whose rights are checked; -1 where none is

    @property
    def signature(self) -> tuple[str, ...]:
        """The Wasm parameter types. The result is the errno, an i32, except for proc_exit."""
        return tuple("i64" if word == "i64" else "i32" for word in self.words)

    @property
    def results(self) -> tuple[str, ...]:
        """The Wasm result types."""
        return () if self.name == "proc_exit" else ("i32",)


def _function(
    name: str, parameters: str, body: Callable[..., int], *rights: Rights
) -> tuple[str, Function]:
    needed = 0
    for right in rights:
        needed |= int(right)
    words = tuple(parameters.split())
    return name, Function(name, words, body, needed, words.index("fd") if "fd" in words else -1)


R = Rights
FUNCTIONS: Final[dict[str, Function]] = dict(
    (
        _function("args_get", "i32 i32", process.args_get),
        _function("args_sizes_get", "i32 i32", process.args_sizes_get),
        _function("environ_get", "i32 i32", process.environ_get),
        _function("environ_sizes_get", "i32 i32", process.environ_sizes_get),
        _function("clock_res_get", "i32 i32", process.clock_res_get),
        _function("clock_time_get", "i32 i64 i32", process.clock_time_get),
        _function("fd_advise", "fd i64 i64 i32", files.fd_advise, R.FD_ADVISE),
        _function("fd_allocate", "fd i64 i64", files.fd_allocate, R.FD_ALLOCATE),
        _function("fd_close", "number", files.fd_close),
        _function("fd_datasync", "fd", files.fd_datasync, R.FD_DATASYNC),
        _function("fd_fdstat_get", "fd i32", files.fd_fdstat_get),
        _function(
            "fd_fdstat_set_flags", "fd i32", files.fd_fdstat_set_flags, R.FD_FDSTAT_SET_FLAGS
        ),
        _function("fd_fdstat_set_rights", "fd i64 i64", files.fd_fdstat_set_rights),
        _function("fd_filestat_get", "fd i32", files.fd_filestat_get, R.FD_FILESTAT_GET),
        _function(
            "fd_filestat_set_size", "fd i64", files.fd_filestat_set_size, R.FD_FILESTAT_SET_SIZE
        ),
        _function(
            "fd_filestat_set_times",
            "fd i64 i64 i32",
            files.fd_filestat_set_times,
            R.FD_FILESTAT_SET_TIMES,
        ),
        _function("fd_pread", "fd i32 i32 i64 i32", files.fd_pread, R.FD_READ, R.FD_SEEK),
        _function("fd_prestat_get", "number i32", files.fd_prestat_get),
        _function("fd_prestat_dir_name", "fd i32 i32", files.fd_prestat_dir_name),
        _function("fd_pwrite", "fd i32 i32 i64 i32", files.fd_pwrite, R.FD_WRITE, R.FD_SEEK),
        _function("fd_read", "fd i32 i32 i32", files.fd_read, R.FD_READ),
        _function("fd_readdir", "fd i32 i32 i64 i32", files.fd_readdir, R.FD_READDIR),
        _function("fd_renumber", "number number", files.fd_renumber),
        _function("fd_seek", "fd i64 i32 i32", files.fd_seek, R.FD_SEEK),
        _function("fd_sync", "fd", files.fd_sync, R.FD_SYNC),
        _function("fd_tell", "fd i32", files.fd_tell, R.FD_TELL),
        _function("fd_write", "fd i32 i32 i32", files.fd_write, R.FD_WRITE),
        _function(
            "path_create_directory",
            "fd i32 i32",
            paths.path_create_directory,
            R.PATH_CREATE_DIRECTORY,
        ),
        _function(
            "path_filestat_get", "fd i32 i32 i32 i32", paths.path_filestat_get, R.PATH_FILESTAT_GET
        ),
        _function(
            "path_filestat_set_times",
            "fd i32 i32 i32 i64 i64 i32",
            paths.path_filestat_set_times,
            R.PATH_FILESTAT_SET_TIMES,
        ),
        _function(
            "path_link", "fd i32 i32 i32 number i32 i32", paths.path_link, R.PATH_LINK_SOURCE
        ),
        _function("path_open", "fd i32 i32 i32 i32 i64 i64 i32 i32", paths.path_open, R.PATH_OPEN),
        _function("path_readlink", "fd i32 i32 i32 i32 i32", paths.path_readlink, R.PATH_READLINK),
        _function(
            "path_remove_directory",
            "fd i32 i32",
            paths.path_remove_directory,
            R.PATH_REMOVE_DIRECTORY,
        ),
        _function(
            "path_rename", "fd i32 i32 number i32 i32", paths.path_rename, R.PATH_RENAME_SOURCE
        ),
        _function("path_symlink", "i32 i32 fd i32 i32", paths.path_symlink, R.PATH_SYMLINK),
        _function("path_unlink_file", "fd i32 i32", paths.path_unlink_file, R.PATH_UNLINK_FILE),
        _function("poll_oneoff", "i32 i32 i32 i32", polls.poll_oneoff),
        _function("proc_exit", "i32", process.proc_exit),
        _function("proc_raise", "i32", process.proc_raise),
        _function("sched_yield", "", process.sched_yield),
        _function("random_get", "i32 i32", process.random_get),
        _function("sock_accept", "fd i32 i32", sockets.sock_accept),
        _function("sock_recv", "fd i32 i32 i32 i32 i32", sockets.sock_recv, R.FD_READ),
        _function("sock_send", "fd i32 i32 i32 i32", sockets.sock_send, R.FD_WRITE),
        _function("sock_shutdown", "fd i32", sockets.sock_shutdown),
    )
)
