#!/bin/sh
# Builds the libFuzzer programs (clang, ASan + UBSan) and runs each for some seconds.
#
# usage: tools/fuzz.sh [SECONDS [TARGET...]]
#
# Inputs that libFuzzer found worth keeping stay in build/fuzz/corpus/TARGET; a crash's input lands in
# build/fuzz/findings.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-300}
[ $# -eq 0 ] || shift
. tools/test_env.sh
tools/build.sh fuzz slipway_fuzzers
targets=${*:-$(cut -d';' -f1 build/fuzz/fuzz/targets.txt)}
findings=$PWD/build/fuzz/findings
mkdir -p "$findings"
failed=
for target in $targets; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  seeds=$(grep "^$target;" build/fuzz/fuzz/targets.txt | cut -d';' -f2)
  echo "fuzz: $target for $seconds seconds"
  # Seeds beyond -max_len are cut, which is a mutation like any other.
  build/fuzz/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=3000 -max_len=65536 \
    -artifact_prefix="$findings/$target-" -verbosity=0 "$corpus" $seeds \
    >"build/fuzz/$target.log" 2>&1 || {
    tail -n 40 "build/fuzz/$target.log" >&2
    failed="$failed $target"
  }
done
[ -z "$failed" ] || {
  echo "fuzz: findings in$failed; the inputs are in $findings" >&2
  exit 1
}
