#!/bin/sh
# make test-full: what `make test` leaves out because it is slow.
set -eu
cd "$(dirname "$0")/.."
. tools/test_env.sh
for preset in asan-ubsan tsan scalar clang; do
  echo "test-full: $preset"
  cmake --preset "$preset" >/dev/null
  ninja -C "build/$preset" --quiet
  ctest --test-dir "build/$preset" -L unit -j "$(nproc)" --output-on-failure
done
tools/fuzz.sh 300
