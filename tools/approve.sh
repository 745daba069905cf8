#!/bin/sh
# make approve: writes what the program prints now over the files that tests compare with. Review the diff.
set -eu
cd "$(dirname "$0")/.."
build/release/slipway ops --markdown >docs/operators.md
git --no-pager diff --stat
