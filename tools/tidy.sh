#!/bin/sh
# clang-tidy over every tracked source file, with the checks of .clang-tidy.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh release
git ls-files 'src/*.cc' | grep -v '_fuzz\.cc$' |
  xargs -P "${JOBS:-$(nproc)}" -n 4 clang-tidy --quiet -p build/release --extra-arg=-Wno-unknown-warning-option
