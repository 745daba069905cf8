#!/bin/sh
# Runs every tests/oracles/SCRIPT.py into build/oracles/SCRIPT/: what other runtimes answer, for the tests to compare.
#
# A script runs again when it or the pinned requirements change. *_models.py need the shared assets and are left out
# where those are absent.
set -eu
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3

make_one() {
  script=$1
  name=$(basename "$script" .py)
  folder=build/oracles/$name
  case $name in
    *_models) [ -d ../shared/assets ] || return 0 ;;
  esac
  wanted=$(cat "$script" tools/setup/requirements.txt | sha256sum)
  [ -f "$folder/stamp" ] && [ "$(cat "$folder/stamp")" = "$wanted" ] && return 0
  echo "oracles: $name"
  rm -rf "$folder"
  mkdir -p "$folder"
  .venv/bin/python "$script" "$folder" >"$folder.log" 2>&1 || {
    tail -n 40 "$folder.log" >&2
    echo "oracles: $script failed" >&2
    return 1
  }
  echo "$wanted" >"$folder/stamp"
}

mkdir -p build/oracles
for script in tests/oracles/*.py; do
  make_one "$script"
done
