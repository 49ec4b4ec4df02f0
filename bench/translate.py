"""How fast is a program translated, how large does it get, and when has it run?

usage: python bench/translate.py [PROGRAM [ARGUMENT...]]
       (default: the busybox that `make oracle` fetches, with the argument `true`)

Everything runs in processes of its own, as a user's first and second run do: the translation alone
with one job and with as many as there are cores, then `wherever run` with empty caches, then again.
After `make compiled` the hot rooms of the translator run as machine code; the first line says it.
Peak memory is the sum over the processes of a translation of what each has for itself.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from wherever.aot.compiled import describe

DEFAULT = Path.home() / ".cache/wherever-tests/aarch64/busybox"
WHEREVER = Path(sys.executable).parent / "wherever"
ONCE = """
import json, sys
from pathlib import Path
from wherever.aot import compiled
compiled.use()
from wherever.aot.pipeline import translate
from wherever.linux.module import personality
done = translate(Path(sys.argv[1]).read_bytes(), personality(), jobs=int(sys.argv[2]))
s = done.sizes
print(json.dumps([s.instructions, s.functions, s.fast, s.resume, len(done.wasm), done.stages]))
"""
WARM_RUNS = 7


def proportional(root: int) -> int:
    """KiB that a process and its children have, what they share counted once among them."""
    total, work = 0, [root]
    while work:
        pid = work.pop()
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")
        work += [int(child) for child in children.split()]
    return total


def watched(command: list[str], environment: dict[str, str]) -> tuple[str, float, float, int]:
    """Run a command: its output, the wall and processor seconds, the peak memory in KiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        ended = threading.Event()

        def look() -> None:
            nonlocal peak
            while not ended.wait(0.1):
                peak = max(peak, proportional(process.pid))

        watcher = threading.Thread(target=look)
        watcher.start()
        out, _ = process.communicate()
        wall = time.perf_counter() - began
        ended.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return out, wall, cpu, peak


def main() -> None:
    program = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not program.exists():
        raise SystemExit(f"{program} is not there: run `make oracle` once, or name a program")
    arguments = sys.argv[2:] or ["true"]
    cores = len(os.sched_getaffinity(0))
    print(f"{program.name}; {cores} cores, load {os.getloadavg()[0]:.1f}; translator {describe()}")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "WHEREVER_CACHE": folder}
        for jobs in dict.fromkeys((1, cores)):
            command = [sys.executable, "-c", ONCE, os.fspath(program), str(jobs)]
            out, wall, cpu, peak = watched(command, environment)
            count, functions, fast, resume, total, stages = json.loads(out)
            print(
                f"\ntranslate, {jobs} jobs: {wall:.1f} s wall, {cpu:.1f} s of processor,", end=" "
            )
            print(f"{count / wall:.0f} instructions/s, peak {peak >> 10} MiB")
            for stage, seconds in stages.items():
                print(f"  {stage:<12} {seconds:6.2f} s {count / seconds:10.0f} instructions/s")
        print(f"\n{count} instructions, {functions} functions; module {total} bytes")
        print(f"  code          {fast:>9} bytes, {fast / count:5.1f} an instruction")
        print(f"  resume bodies {resume:>9} bytes, {resume / count:5.1f} an instruction")
        run = [os.fspath(WHEREVER), "run", os.fspath(program), *arguments]
        _, wall, cpu, peak = watched(run, environment)
        print(f"\nuntil {' '.join(arguments)!r} has run, cold: {wall:.1f} s wall,", end=" ")
        print(f"{cpu:.1f} s of processor, peak {peak >> 10} MiB")
        warm = sorted(watched(run, environment)[1] for _ in range(WARM_RUNS))
        print(f"warm: {warm[WARM_RUNS // 2]:.2f} s, median of {WARM_RUNS}; best {warm[0]:.2f} s")


if __name__ == "__main__":
    main()
