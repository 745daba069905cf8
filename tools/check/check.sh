#!/bin/sh
# Fast checks of the sources: format, layers, words, order of the operators.
# (Headers compile alone: target slipway_headers, in the build.)
set -eu
cd "$(dirname "$0")/../.."
tools/check/check_format.sh
python3 tools/check/check_layers.py
python3 tools/check/check_words.py
grep '^SLIPWAY_OP' src/ops/ops.inc | LC_ALL=C sort --ignore-case --check || {
  echo "lists: src/ops/ops.inc is in alphabetical order: move the line above" >&2
  exit 1
}
