#!/bin/sh
# Builds the libFuzzer programs (clang, ASan + UBSan) and runs each target for some seconds, all of them even after a
# finding.
#
# usage: tools/fuzz.sh [SECONDS [TARGET...]]
#
# Inputs that libFuzzer found worth keeping stay in build/fuzz/corpus/TARGET; a crash's input lands in
# build/fuzz/findings, its report in build/fuzz/TARGET.log.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-300}
[ $# -eq 0 ] || shift
tools/build.sh fuzz fuzzers
targets=${*:-$(cut -d';' -f1 fuzz/targets.txt)}
mkdir -p build/fuzz/findings
failed=
for target in $targets; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  tools/fuzz_seeds.sh "$target" "$corpus" build/fuzz/fuzz/slipway_slip_seeds
  echo "fuzz: $target for $seconds s"
  "build/fuzz/fuzz/slipway_${target}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -verbosity=0 \
    -artifact_prefix="build/fuzz/findings/$target-" "$corpus" >"build/fuzz/$target.log" 2>&1 || {
    tail -n 40 "build/fuzz/$target.log" >&2
    failed="$failed $target"
  }
done
[ -z "$failed" ] || {
  echo "fuzz: findings in$failed; the inputs are in build/fuzz/findings" >&2
  exit 1
}
