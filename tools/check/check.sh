#!/bin/sh
# Fast checks of the sources: format, layers, words. (Headers compile alone: target slipway_headers, in the build.)
set -eu
cd "$(dirname "$0")/../.."
git ls-files '*.cc' '*.h' | xargs clang-format-14 --dry-run --Werror
python3 tools/check/check_layers.py
python3 tools/check/check_words.py
