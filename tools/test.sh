#!/bin/sh
# make test: checks, build, expected answers from other libraries, the README's commands, then every test.
set -eu
cd "$(dirname "$0")/.."
tools/check/check.sh
tools/build.sh release
tools/demo/fetch.sh
[ ! -f README.md ] || .venv/bin/python tools/check/run_readme.py
. tools/test_env.sh
# Tests of load, which take the machine for themselves, are of test_full.sh.
exec ctest --test-dir build/release --label-exclude load -j "${JOBS:-$(nproc)}" --output-on-failure --no-tests=error
