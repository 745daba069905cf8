#!/bin/sh
# make test: checks, build, expected answers from other libraries, then every test.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
jobs=$(nproc)
tools/check/check.sh
cmake --preset release >/dev/null
ninja -C build/release --quiet
tools/demo/fetch.sh
. tools/test_env.sh
ctest --test-dir build/release -j "$jobs" --output-on-failure --no-tests=error
