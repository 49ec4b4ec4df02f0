"""Owns the directory that a command line starts in: the same files, modes and times each time."""

from __future__ import annotations

import base64
import binascii
import bz2
import functools
import gzip
import hashlib
import io
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

__all__ = ["ETC", "Entry", "make", "snapshot"]

_OLD = 1_000_000_000  # 2001-09-09
_THEN = 1_577_836_800  # 2020-01-01: older than anything that a line writes
_RECENT = 1_700_000_000
_GIVEN = Path(__file__).parents[1] / "busybox" / "files"
_CONTROL = b"""Package: example
Version: 1.2
Architecture: all
Maintainer: Nobody
Description: an example
"""


# Account files and the like; both sides see them in /etc.
ETC: dict[str, str] = {
    "passwd": (_GIVEN / "passwd").read_text(),
    "group": "root:x:0:\ndaemon:x:1:\nbin:x:2:\nmail:x:8:root\ngames:x:60:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n",
    "protocols": "tcp 6 TCP\n",
    "services": "http 80/tcp\n",
    "shells": "/bin/sh\n",
    "fstab": "",
    "localtime": "",
}

Entry = tuple[str, int, int, int, int, bytes]


def _tar(names: list[str], files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.mtime, info.mode = _OLD, 0o644
            if name not in files:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            else:
                info.size = len(files[name])
                archive.addfile(info, io.BytesIO(files[name]))
    return held.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6)), data)
    return held.getvalue()


def _ar(files: dict[str, bytes]) -> bytes:
    made = b"!<arch>\n"
    for name, data in files.items():
        made += f"{name + '/':<16}{_OLD:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        made += data + b"\n" * (len(data) & 1)
    return made


def _cpio(files: dict[str, bytes | None]) -> bytes:
    """The "newc" format: cpio(5)."""
    made = b""
    for number, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o040755 if data is None else 0o100644
        content = data or b""
        fields = (number, mode, 0, 0, 1, _OLD, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        made += b"070701" + b"".join(b"%08X" % field for field in fields)
        made += name.encode() + b"\0"
        made += bytes(-len(made) % 4) + content
        made += bytes(-len(made) % 4)
    return made


def _lzw(data: bytes) -> bytes:
    """compress(1)'s format with 9-bit codes only: literals, which is enough for a short file."""
    bits = value = 0
    out = bytearray(b"\x1f\x9d\x8c")  # 12 bits at most, no block mode reset
    for byte in data[:200]:
        value |= byte << bits
        bits += 9
        while bits >= 8:
            out.append(value & 255)
            value >>= 8
            bits -= 8
    return bytes(out) + (bytes([value & 255]) if bits else b"")


def _dump(data: bytes) -> str:
    rows: list[str] = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{at:08x}: {row.hex(' ', 2):<39}  {shown}\n")
    return "".join(rows)


@functools.cache
def _files() -> dict[str, bytes]:
    given = {
        str(path.relative_to(_GIVEN)): path.read_bytes()
        for path in sorted(_GIVEN.rglob("*"))
        if path.is_file()
    }
    words = given["words.txt"]
    binary = bytes(range(256)) * 4
    inner: dict[str, bytes] = {
        "dir/a": b"file a\n",
        "dir/sub/c": b"deep down\n",
        "words.txt": words,
    }
    tar_names = ["dir/", "dir/a", "dir/sub/", "dir/sub/c", "words.txt"]
    digest = hashlib.md5(words).hexdigest()
    zipped = bytearray(gzip.compress(words, mtime=_OLD))
    package = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": gzip.compress(
            _tar(["./", "./control"], {"./control": _CONTROL}), mtime=0
        ),
        "data.tar.gz": gzip.compress(
            _tar(["./", "./usr/", "./usr/a"], {"./usr/a": b"file a\n"}), mtime=0
        ),
    }
    uuencoded = [binascii.b2a_uu(words[at : at + 45]) for at in range(0, len(words), 45)]
    return {
        **given,
        "md5.txt": f"{digest}  words.txt\n".encode(),
        "md5bad.txt": f"{digest}  numbers.txt\n{digest}  words.txt\n".encode(),
        "sha256.txt": f"{hashlib.sha256(words).hexdigest()}  words.txt\n".encode(),
        "words.uu": b"begin 644 decoded.txt\n" + b"".join(uuencoded) + b"`\nend\n",
        "words.xxd": _dump(words).encode(),
        "binary.bin": binary,
        "nul.bin": b"b\0a\0c\0",
        "image.bin": bytes(1 << 18),
        "words.b64": base64.encodebytes(words),
        "words.gz": bytes(zipped),
        "broken.gz": bytes(zipped[:-12]) + b"wrong bytes!",
        "words.bz2": bz2.compress(words),
        "words.xz": lzma.compress(words),
        "words.lzma": lzma.compress(words, lzma.FORMAT_ALONE),
        "words.Z": _lzw(words),
        "archive.tar": _tar(tar_names, inner),
        "archive.tgz": gzip.compress(_tar(tar_names, inner), mtime=_OLD),
        "archive.zip": _zip(inner),
        "archive.cpio": _cpio({"dir": None, "dir/a": b"file a\n", "words.txt": words}),
        "archive.a": _ar({"words.txt": words, "a": b"file a\n"}),
        "package.deb": _ar(package),
    }


def make(base: Path) -> Path:
    """A new scratch directory in `base`, beside `root/etc`; what was there is gone."""
    shutil.rmtree(base, ignore_errors=True)
    scratch, etc = base / "s", base / "root" / "etc"
    etc.mkdir(parents=True)
    for name, content in ETC.items():
        (etc / name).write_text(content)
    for directory in ("", "dir/sub", "dir/hollow/deeper", "other/inner", "empty"):
        (scratch / directory).mkdir(parents=True, exist_ok=True)
    for name, data in _files().items():
        (scratch / name).write_bytes(data)
    for name, target in {"link": "words.txt", "dangling": "nowhere", "dirlink": "dir"}.items():
        (scratch / name).symlink_to(target)
    every = [*scratch.rglob("*"), scratch]
    for number, path in enumerate(sorted(every, reverse=True)):
        if not path.is_symlink():
            mode = 0o755 if path.is_dir() or path.name == "exec.sh" else 0o644
            path.chmod(0o444 if path.name == "readonly.txt" else mode)
        when = {"old.txt": _OLD, "new.txt": _RECENT}.get(path.name, _THEN + number)
        os.utime(path, (when, when), follow_symlinks=False)
    return scratch


def snapshot(scratch: Path) -> dict[str, Entry]:
    """Everything in the directory: name, mode, links, owner, time unless it is now, contents."""
    found: dict[str, Entry] = {}
    if not scratch.is_dir():
        return found
    for path in sorted([scratch, *scratch.rglob("*")]):
        status = path.lstat()
        content = b""
        if stat.S_ISLNK(status.st_mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
            if len(content) > 1 << 16:
                content = hashlib.sha256(content).digest()
        when = int(status.st_mtime) if status.st_mtime < _RECENT + 1 else -1
        found[str(path.relative_to(scratch))] = (
            stat.filemode(status.st_mode),
            status.st_nlink,
            status.st_uid,
            status.st_gid,
            when,
            content,
        )
    return found
