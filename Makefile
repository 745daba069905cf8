# The one door. `make` lists the targets; `make demo` and `make test` work as the first command on a bare Debian 12.
SHELL := /bin/sh
BUILD := build/release
CLANG_FORMAT := clang-format-14
FORMATTED := $(shell git ls-files '*.cc' '*.h' '*.inc' 2>/dev/null | grep -v '\.inc$$')

.PHONY: help setup build demo test test-full bench fmt tidy approve check fuzz clean

help:
	@echo "make demo       a real detector on real photos, from nothing"
	@echo "make build      the command line at $(BUILD)/slipway"
	@echo "make test       every check and test"
	@echo "make test-full  and the slow ones: sanitizers, clang, scalar, long fuzzing"
	@echo "make bench      kernel benchmarks"
	@echo "make fmt        format the sources"
	@echo "make tidy       clang-tidy"
	@echo "make approve    take the current output as the expected one: docs, golden files, conformance lists"
	@echo "make clean      remove build/"

setup:
	@tools/setup/install_packages.sh
	@tools/setup/make_venv.sh

$(BUILD)/build.ninja: CMakePresets.json
	@cmake --preset release >/dev/null

build: setup $(BUILD)/build.ninja
	@ninja -C $(BUILD) slipway

demo: build
	@tools/demo/demo.sh

test: setup
	@tools/test.sh

test-full: test
	@tools/test_full.sh

bench: setup $(BUILD)/build.ninja
	@tools/bench.sh

check: setup
	@tools/check/check.sh

fmt: setup
	@$(CLANG_FORMAT) -i $(FORMATTED)

tidy: setup $(BUILD)/build.ninja
	@run-clang-tidy-14 -quiet -p $(BUILD) 'src/.*\.cc' 2>/dev/null

approve: build
	@tools/approve.sh

fuzz: setup
	@tools/fuzz.sh

clean:
	@rm -rf build
