#!/bin/sh
# What `make test` does after the setup, cheapest first: checks, build, oracle data, demo files, tests.
set -eu
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

tools/check/check_format.sh
.venv/bin/python tools/check/check_words.py
.venv/bin/python tools/check/check_layers.py
tools/build.sh release
tools/oracles.sh
tools/demo/fetch.sh
[ ! -f README.md ] || .venv/bin/python tools/check/run_readme.py

. tools/test_env.sh
exec ctest --test-dir build/release --output-on-failure --no-tests=error -j "$jobs" --schedule-random
