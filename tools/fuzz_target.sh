#!/bin/sh
# Runs one libFuzzer program that tools/fuzz.sh has built.
#
# usage: tools/fuzz_target.sh SECONDS TARGET
set -eu
cd "$(dirname "$0")/.."
seconds=$1
target=$2
corpus=build/fuzz/corpus/$target
log=build/fuzz/$target.log
mkdir -p "$corpus" build/fuzz/findings
tools/fuzz_seeds.sh "$target" "$corpus" build/fuzz/fuzz/slipway_slip_seeds
echo "fuzz: $target for $seconds s"
"build/fuzz/fuzz/slipway_${target}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -verbosity=0 \
  -artifact_prefix="build/fuzz/findings/$target-" "$corpus" >"$log" 2>&1 || {
  tail -n 40 "$log" >&2
  echo "fuzz: a finding in $target; its input is in build/fuzz/findings" >&2
  exit 1
}
