#!/bin/sh
# Fast checks of the sources: format, layers, words. (Headers compile alone: target slipway_headers, in the build.)
set -eu
cd "$(dirname "$0")/../.."
tools/check/check_format.sh
python3 tools/check/check_layers.py
python3 tools/check/check_words.py
