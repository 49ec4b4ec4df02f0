"""What does one translation take? Time, size and memory of `aot` and of the engine, as JSON.

    python bench/kernels_translate.py PROGRAM

For bench/kernels.py, which starts it once a program: peak memory is a process's own.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from wherever.aot.pipeline import translate
from wherever.linux.module import personality
from wherever.nanoprocess.compiling import compiled


def peak() -> int:
    """Of this process and of the largest of its children, in bytes."""
    own, child = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return 1024 * max(resource.getrusage(own).ru_maxrss, resource.getrusage(child).ru_maxrss)


def main() -> None:
    program = Path(sys.argv[1]).read_bytes()
    base = personality("wherever")
    begin = time.perf_counter()
    made = translate(program, base)
    translated = time.perf_counter()
    memory = peak()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHEREVER_CACHE"] = folder
        compiling = time.perf_counter()
        compiled(made.wasm)
        done = time.perf_counter()
    sizes = made.sizes
    report = {
        "instructions": sizes.instructions,
        "functions": sizes.functions,
        "translate": translated - begin,
        "compile": done - compiling,
        "fast": sizes.fast,
        "resume": sizes.resume,
        "module": sizes.total,
        "peak": memory,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
