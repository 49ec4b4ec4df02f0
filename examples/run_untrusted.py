"""Run a program nobody vouches for, in a worker process of its own, with nothing granted."""

from pathlib import Path

import wherever

here = Path(__file__).parent

result = wherever.run(here / "hello.wat", limits=wherever.Limits(time="5s", memory="16MiB"))
print("exit status", result.exit_code, "and it said", result.stdout)
print("what it was denied:", result.denials or "nothing: it asked for nothing")
