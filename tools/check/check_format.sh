#!/bin/sh
# Every tracked C++ file is formatted as .clang-format says; `make fmt` mends it.
set -eu
cd "$(dirname "$0")/../.."
clang-format --version >/dev/null  # a missing program is no pass
wrong=$(git ls-files '*.h' '*.cc' | while read -r file; do [ ! -f "$file" ] || echo "$file"; done |
  xargs -P "$(nproc)" -n 16 clang-format --dry-run 2>&1 | sed -n 's/^\([^:]*\):.*/\1/p' | grep -E '\.(h|cc)$' | sort -u)
[ -z "$wrong" ] || {
  echo "format: these files are not formatted; 'make fmt' mends them:" >&2
  echo "$wrong" >&2
  exit 1
}
