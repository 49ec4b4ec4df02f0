"""Random C programs of floating point, built for aarch64 at every level: all bits beside qemu's.

`python tests/programs/payloads.py COUNT [FIRST-SEED]`. Each program is thirty functions that call
one another (directly, through pointers, as their last step, themselves), with loops, arrays that
overlap, structs, comparisons, conversions and fused operations over values of which a third are
NaNs, infinities and zeros; it prints the bits of what every call gave and of all of its memory.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

import linux_guests

FOLDER = linux_guests.BUILT / "payloads"
LEVELS = (
    ("-O2",),
    ("-O2", "-fno-vectorize", "-fno-slp-vectorize"),
    ("-O3",),
    ("-O1",),
    ("-O0",),
)
FLAGS = ("-w", "-fno-sanitize=undefined", "-fno-math-errno", "-fno-strict-aliasing")
FUNCTIONS = 30
HEAD = """#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
struct p { double x, y, z; float f; int n; double v[3]; };
static volatile uint64_t seeds[] = { SEEDS };
static double M[64]; static float F[64]; static struct p P[8]; static int64_t I[16];
static uint64_t hash = 1;
static void note(const void *p, int n) {
  for (const unsigned char *b = p; n--; b++) hash = (hash ^ *b) * 1099511628211u;
}
static double seed(unsigned i) {
  uint64_t b = seeds[i % (sizeof seeds / 8)];
  double d;
  memcpy(&d, &b, 8);
  return d;
}
static int fuel = 3000;
typedef double function(double, double, double *, int);
"""
MAIN = """int main(void) {
  for (unsigned k = 0; k < sizeof table / sizeof *table; k++)
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 64; j++) M[j] = seed(j * (i ? 1 : 7)), F[j] = (float)seed(j + i);
      memset(P, 0, sizeof P), fuel = 400;
      double r = table[k](seed(i * 5 + k), seed(k + i), M, 5);
      note(&r, 8), note(M, sizeof M), note(F, sizeof F), note(P, sizeof P), note(I, sizeof I);
      printf("%d %d %016llx\\n", k, i, (unsigned long long)hash);
    }
}
"""
SPECIAL = (
    "0x7ff0000000000000",
    "0xfff0000000000000",
    "0x7ff8000000000001",
    "0xfff8000000012345",
    "0x7ff0000000000042",
    "0xfff4000000000004",
    "0",
    "0x8000000000000000",
    "1",
)


class Source:
    """One program."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.depth = 0

    def pick(self, *of: str) -> str:
        return self.r.choice(of)

    def place(self, loop: str) -> str:
        """Something in memory that holds a double."""
        at = self.r.randrange(8)
        return self.pick(
            f"p[{at}]",
            f"p[({loop} + {at}) & 7]",
            f"M[{self.r.randrange(64)}]",
            f"M[({loop} * {self.r.randrange(1, 9)} + {at}) & 63]",
            f"P[{at}].{self.pick('x', 'y', 'z')}",
            f"P[{loop} & 7].{self.pick('x', 'y', 'z')}",
            f"P[{loop} & 7].v[{self.r.randrange(3)}]",
            f"h[{at}]",
            f"h[{loop} & 7]",
        )

    def value(self, loop: str, depth: int) -> str:
        """An expression of type double."""
        r = self.r
        if depth <= 0 or r.random() < 0.15:
            return self.pick(
                *("a", "b", "c", "d", "e", "a", "b", "(double)g"),
                self.place(loop),
                f"(double)F[({loop} + {r.randrange(64)}) & 63]",
                f"({r.uniform(-4, 4):.3f})",
                f"(double)({loop} - 2)",
            )
        one, two = self.value(loop, depth - 1), self.value(loop, depth - 2)
        match r.randrange(14):
            case 0 | 1:
                return f"({one} + {two})"
            case 2:
                return f"({one} - {two})"
            case 3 | 4:
                return f"({one} * {two})"
            case 5:
                return f"({one} / {two})"
            case 6:
                return f"fma({one}, {two}, {self.value(loop, 1)})"
            case 7:
                return f"({one} * {two} + {self.value(loop, 1)})"
            case 8:
                return f"sqrt({one})"
            case 9:
                return f"(-{one})"
            case 10:
                return f"fabs({one})"
            case 11:
                return f"({self.condition(loop)} ? {one} : {two})"
            case 12:
                return f"{self.pick('floor', 'rint', 'trunc')}({one})"
            case _:
                return f"(double)(float)({one})"

    def condition(self, loop: str) -> str:
        how = self.pick("<", ">", "<=", ">=", "==", "!=")
        return f"({self.value(loop, 1)} {how} {self.value(loop, 1)})"

    def call(self, number: int, loop: str) -> str:
        arguments = (
            f"{self.value(loop, 1)}, {self.value(loop, 1)}, {self.pick('h', 'p', 'M + 8')}, n - 1"
        )
        callee = self.r.randrange(max(0, number - 6), number + 1)
        return (
            f"(*table[{callee}])({arguments})"
            if self.r.random() < 0.3
            else f"f{callee}({arguments})"
        )

    def statement(self, number: int, loop: str, depth: int) -> str:
        r = self.r
        name = self.pick("a", "b", "c", "d", "e")
        match r.randrange(16):
            case 0 | 1 | 2 | 3:
                return f"{name} = {self.value(loop, 3)};"
            case 4 | 5 | 6:
                return f"{self.place(loop)} = {self.value(loop, 2)};"
            case 7:
                return f"{name} {self.pick('+', '-', '*')}= {self.value(loop, 2)};"
            case 8:
                return f"F[{loop} & 63] = (float)({self.value(loop, 2)}) * g - (float){name};"
            case 9:
                return f"g = g {self.pick('+', '*', '-')} (float){name};"
            case 10:
                return f"I[{loop} & 15] += {self.condition(loop)};"
            case 11:
                return f"memcpy(&I[{r.randrange(16)}], &{name}, 8);"
            case 12 | 13 if depth > 0:
                inner = f"i{depth}"
                body = "\n".join(
                    self.statement(number, inner, depth - 1) for _ in range(r.randrange(1, 5))
                )
                count = self.pick("3", "n & 7", "9", "20")
                return f"for (int {inner} = 0; {inner} < {count}; {inner}++) {{\n{body}\n}}"
            case 14:
                body = self.statement(number, loop, depth - 1)
                return f"if ({self.condition(loop)}) {{ {body} }}"
            case _:
                return f"{name} = {self.call(number, loop)} + {self.value(loop, 1)};"

    def function(self, number: int) -> str:
        body = "\n".join(self.statement(number, "n", 2) for _ in range(self.r.randrange(2, 9)))
        last = self.call(number, "n") if self.r.random() < 0.4 else self.value("n", 3)
        apart = self.pick("__attribute__((noinline))", "__attribute__((noinline))", "")
        own = self.r.random() < 0.5
        return (
            f"{apart} static double f{number}(double a, double b, double *p, int n) {{\n"
            + "if (n <= 0 || --fuel < 0) return a - b;\n"
            + "double c = a * 0.5, d = b - a, e = 1; float g = (float)a;\n"
            + (
                "double h[8]; for (int i = 0; i < 8; i++) h[i] = p[i];\n"
                if own
                else "double *h = p;\n"
            )
            + body
            + ("\nnote(h, 64);" if own and self.r.random() < 0.5 else "")
            + f"\nreturn {last};\n}}\n"
        )

    def text(self) -> str:
        r = self.r
        seeds = [self.pick(*SPECIAL) for _ in range(6)]
        seeds += [f"0x{r.randrange(0x3F00, 0x40FF) << 48 | r.getrandbits(48):x}" for _ in range(12)]
        text = HEAD.replace("SEEDS", ", ".join(seeds))
        names = [f"f{i}" for i in range(FUNCTIONS)]
        text += "\n".join(f"static function {name};" for name in names)
        text += f"\nstatic function *volatile table[] = {{ {', '.join(names)} }};\n"
        text += "".join(self.function(number) for number in range(FUNCTIONS))
        return text + MAIN


def differs(seed: int) -> str:
    """What a program does differently, if anything."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    source = FOLDER / f"seed{seed}.c"
    source.write_text(Source(seed).text())
    program = linux_guests.compiled(
        [source], *linux_guests.MUSL, *LEVELS[seed % len(LEVELS)], *FLAGS
    )
    expected = linux_guests.under_qemu(program)
    found = linux_guests.in_wherever(program)
    program.unlink()
    if found == expected:
        return ""
    lines = zip(expected.out.splitlines(), found.out.splitlines(), strict=False)
    first = next((f"{a!r} is {b!r}" for a, b in lines if a != b), "the end")
    return f"seed {seed}: status {found.status} for {expected.status}, first {first}"


def main(count: int, first: int) -> int:
    wrong = [what for seed in range(first, first + count) if (what := differs(seed))]
    for line in (*wrong, f"{count - len(wrong)} of {count} programs agree with qemu in every bit"):
        sys.stdout.write(line + "\n")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
