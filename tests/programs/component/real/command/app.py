"""The command in Python: what WASI 0.2 lends to a program, by its standard library."""

import os
import random
import sys
import time

from wit_world import exports


class Run(exports.Run):
    def run(self):
        match sys.argv[1:]:
            case []:
                print("hello")
            case ["copy", source, target]:
                with open(source, encoding="utf-8") as file:
                    text = file.read()
                with open(target, "w", encoding="utf-8") as file:
                    file.write(text.upper())
                print(sorted(os.listdir(os.path.dirname(target))))
            case ["env", name]:
                print(os.environ.get(name))
            case ["clock"]:
                began = time.monotonic()
                time.sleep(0.01)
                print(time.monotonic() - began >= 0.01, time.time() > 1e9)
            case ["random"]:
                print(random.SystemRandom().getrandbits(64))
            case ["echo"]:
                for line in sys.stdin:
                    print(line.rstrip("\n")[::-1])
            case ["fail"]:
                print("it failed", file=sys.stderr)
                sys.exit(3)
            case ["raise"]:
                raise ValueError("nobody catches this")
            case words:
                print(words)
