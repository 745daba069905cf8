#!/bin/sh
# Rewrites what is made from the code and kept in git; review the change with git diff.
set -eu
cd "$(dirname "$0")/.."
mkdir -p docs
build/release/slipway ops --markdown >docs/operators.md
git --no-pager diff --stat -- docs
