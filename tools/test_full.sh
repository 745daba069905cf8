#!/bin/sh
# What `make test-full` adds to `make test`: sanitizers, the other compiler, scalar code, longer fuzzing.
set -eu
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
. tools/test_env.sh

# run PRESET [ctest options...]
run() {
  preset=$1
  shift
  tools/build.sh "$preset" unit_tests
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" "$@"
}

run asan-ubsan --label-regex unit
run tsan --label-regex unit --tests-regex 'base|runtime'
run scalar --label-regex unit
run clang --label-regex unit
tools/fuzz.sh "${SECONDS_EACH:-300}"
