#!/bin/sh
# clang-tidy with the checks of .clang-tidy; any finding fails.
#
# usage: tools/tidy.sh [FILE...]
#
# Without FILE: every source file, about four seconds of a core for each. `make tidy FILES="src/a.cc src/b.cc"` does the same.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh release slipway_tflite_schema generated/plan/slip_generated.h
[ $# -gt 0 ] || set -- $(git ls-files 'src/*.cc' | grep -v '_fuzz\.cc$')
log=build/release/tidy.log
printf '%s\n' "$@" |
  xargs -P "${JOBS:-$(nproc)}" -n 1 clang-tidy --quiet -p build/release --extra-arg=-Wno-unknown-warning-option \
    >"$log" 2>"$log.err" || {
  grep -v '^$' "$log" >&2
  grep -v 'warnings generated\.\|warning generated\.\|^Suppressed\|^Use -header-filter' "$log.err" >&2 || true
  echo "tidy: findings; also in $log" >&2
  exit 1
}
echo "tidy: $# files are clean"
