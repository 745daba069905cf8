#!/bin/sh
# make bench: kernel benchmarks, each checked against the reference before it is timed.
set -eu
cd "$(dirname "$0")/.."
ninja -C build/release --quiet
for bench in build/release/bench/*_bench; do
  [ -x "$bench" ] && "$bench"
done
