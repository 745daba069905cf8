#!/bin/sh
# Configures a preset and builds targets of it.
#
# usage: tools/build.sh PRESET [TARGET...]
#
# Quiet: a line at a time on a terminal, only warnings and errors elsewhere.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
folder=build/$preset
mkdir -p "$folder"
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

cmake --preset "$preset" >"$folder/configure.log" 2>&1 || {
  cat "$folder/configure.log" >&2
  exit 1
}
echo "build: $preset${*:+ ($*)}"
if [ -t 1 ]; then
  exec ninja -C "$folder" "$@"
fi
exec ninja -C "$folder" --quiet "$@"
