# The one door: every everyday task is a target here, and each works as the first command on a bare Debian 12.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
SECONDS_EACH ?= 300

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup:  ## install the Debian packages and the Python environment (.venv) that are missing
	@tools/setup/install_packages.sh
	@tools/setup/make_venv.sh

web: setup
	@tools/setup/make_web.sh || true

build: web  ## the optimised build; leaves the CLI at build/release/slipway
	@tools/build.sh release slipway

demo: build  ## find the cat: fetch a detector and photos, convert, detect, save labelled pictures
	@tools/demo/demo.sh

serve: build  ## serve the demo's detector with its page until Ctrl-C; PORT=8000
	@PORT=$(or $(PORT),8000) tools/demo/serve.sh

test: web  ## everything a change must pass: format, layers, build, unit tests, oracles, conformance
	@tools/test.sh

test-full: test  ## test, then sanitizers, clang, scalar code, ARM and longer fuzzing
	@tools/test_full.sh

test-arm: setup  ## cross build for ARM (64 and 32 bits), test under qemu-user; PROCESSORS="cortex-a53 max cortex-a15"
	@tools/test_arm.sh $(PROCESSORS)

bench: setup  ## time the kernels and the models
	@tools/bench.sh

bench-peers: setup  ## time other engines beside ours; MODELS= ENGINES= THREADS= SECONDS=, DOCS=1 writes docs/benchmarks.md
	@bench/peers/run.sh $(if $(MODELS),--models "$(MODELS)") $(if $(ENGINES),--engines "$(ENGINES)") \
	  $(if $(THREADS),--threads "$(THREADS)") $(if $(SECONDS),--seconds $(SECONDS)) $(if $(DOCS),--docs)

bench-diff: setup  ## time the models with the code of BASE=rev and of this tree, in turns; MODELS= THREADS= ROUNDS=
	@PYTHONPATH=bench .venv/bin/python bench/diff/run.py --base "$(BASE)" $(if $(MODELS),--models "$(MODELS)") $(if $(THREADS),--threads "$(THREADS)") \
	  $(if $(ROUNDS),--rounds $(ROUNDS))

fuzz: setup  ## run every fuzzer for SECONDS_EACH (300) seconds under ASan and UBSan
	@tools/fuzz.sh $(SECONDS_EACH)

check: setup  ## the fast checks alone: format, layers, words
	@tools/check/check.sh

fmt: setup  ## format every C++ file
	@tools/check/list_sources.sh | xargs -P "$$(nproc)" -n 16 clang-format -i

tidy: setup  ## clang-tidy over the tree, or over FILES
	@tools/tidy.sh $(FILES)

models: build  ## count what converts (models, suites, operators) and write it into docs/models.md
	@.venv/bin/python tools/models_report.py

approve: build  ## accept the golden files' new text, for review with git diff
	@tools/approve.sh

clean:  ## remove every build; .venv stays
	rm -rf build

.PHONY: help setup web build demo serve test test-full test-arm bench bench-peers bench-diff fuzz check fmt tidy models approve clean
