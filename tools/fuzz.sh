#!/bin/sh
# Builds the libFuzzer programs (clang, ASan + UBSan) and runs each target for some seconds, one on each core, all of
# them even after a finding.
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
# xargs goes on after a target that fails and then fails itself.
printf '%s\n' $targets | xargs -P "${JOBS:-$(nproc)}" -n 1 tools/fuzz_target.sh "$seconds"
