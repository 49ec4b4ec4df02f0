"""Two compiled hostile guests and a careless host race in one rw directory, against a secret.

    python tests/nanoprocess/race_workers.py SECONDS        (make race)

The guests are tests/programs/race.c, compiled for WASI by zig cc, each in a worker of its own with
a grant of the same directory and nothing else. The host meanwhile plants links that lead straight
to the secret. They lose if none reads it, sees an inode of outside or changes anything there.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path

import wherever
from wherever import Grants, Limits, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "hosts" / "wasi"))
from race import SECRET, careless_host

PROGRAM = Path(__file__).parents[1] / "programs" / "race.c"


def build(folder: Path) -> Path:
    """The guest as a module."""
    target = folder / "race.wasm"
    compiler = (sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-O2")
    subprocess.run([*compiler, str(PROGRAM), "-o", str(target)], check=True)
    return target


def race(seconds: int, program: Path) -> tuple[list[Result], list[str]]:
    """Run the race: how the guests ended, and every sign of an escape."""
    with tempfile.TemporaryDirectory() as base:
        place = Path(base, "granted")
        (place / "a" / "b").mkdir(parents=True)
        Path(base, "outside").mkdir()
        Path(base, "secret").write_bytes(SECRET)
        Path(base, "outside", "secret").write_bytes(SECRET)
        inodes = [str(Path(base, name).stat().st_ino)
                  for name in ("", "secret", "outside", "outside/secret")]  # fmt: skip
        host = multiprocessing.get_context("fork").Process(
            target=careless_host, args=(place, float(seconds))
        )
        host.start()
        grants = Grants(dirs=[f"{place}::/,rw"])
        limits = Limits(time=seconds + 120, cpu=None)
        guests = [
            wherever.spawn(program, [str(seconds), str(seed), *inodes], grants=grants,
                           limits=limits, audit=lambda _: None)
            for seed in (1, 2)
        ]  # fmt: skip
        ends = [guest.communicate() for guest in guests]
        host.join(60)
        signs = [line for _, out, _ in ends for line in out.decode().splitlines() if "won:" in line]
        if Path(base, "secret").read_bytes() != SECRET:
            signs.append("the secret was changed")
        if sorted(p.name for p in Path(base).iterdir()) != ["granted", "outside", "secret"]:
            signs.append("something was made outside")
        if [p.name for p in Path(base, "outside").iterdir()] != ["secret"]:
            signs.append("something was made or removed in the directory outside")
        for result, out, err in ends:
            sys.stdout.write((out + err).decode().splitlines()[-1] + "\n")
            if not result.ok:
                signs.append(result.sentence())
    return [result for result, _, _ in ends], signs


def main() -> int:
    seconds = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        results, signs = race(seconds, build(Path(folder)))
    lacks = results[0].confinement
    sys.stdout.write(f"in workers, confined{f' without {lacks}' if lacks else ''}: ")
    sys.stdout.write(f"{seconds} s, {len(signs)} escapes {signs[:5]}\n")
    return 1 if signs else 0


if __name__ == "__main__":
    sys.exit(main())
