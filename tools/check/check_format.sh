#!/bin/sh
# Every C++ file is formatted as .clang-format says; `make fmt` mends it.
set -eu
cd "$(dirname "$0")/../.."
clang-format --version >/dev/null
# A batch that is well is done at once; only the files of the others are looked at one by one.
wrong=$(tools/check/list_sources.sh |
  xargs -P "$(nproc)" -n 32 sh -c '
    clang-format --dry-run --Werror "$@" 2>/dev/null || for file; do
      clang-format --dry-run --Werror "$file" 2>/dev/null || echo "$file"
    done' sh | sort)
[ -z "$wrong" ] || {
  echo "format: these files are not formatted; 'make fmt' mends them:" >&2
  echo "$wrong" >&2
  exit 1
}
