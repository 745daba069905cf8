#!/bin/sh
# Runs each libFuzzer target under ASan and UBSan for SECONDS (300); stops at the first finding.
# usage: tools/fuzz.sh [SECONDS] [TARGET...]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-300}
[ $# -gt 0 ] && shift
cmake --preset fuzz >/dev/null
ninja -C build/fuzz --quiet fuzzers
targets=${*:-$(cut -d';' -f1 fuzz/targets.txt)}
for target in $targets; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  tools/fuzz_seeds.sh "$target" "$corpus"
  echo "fuzz: $target for $seconds s"
  "build/fuzz/fuzz/slipway_${target}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=0 \
    -verbosity=0 "$corpus"
done
