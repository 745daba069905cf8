#!/bin/sh
# Every tracked C++ file is formatted as .clang-format says; `make fmt` mends it.
set -eu
cd "$(dirname "$0")/../.."
clang-format --version >/dev/null
wrong=$(git ls-files '*.h' '*.cc' | xargs -P "$(nproc)" -n 1 sh -c '
  [ ! -f "$1" ] || clang-format --dry-run --Werror "$1" 2>/dev/null || echo "$1"' sh | sort)
[ -z "$wrong" ] || {
  echo "format: these files are not formatted; 'make fmt' mends them:" >&2
  echo "$wrong" >&2
  exit 1
}
