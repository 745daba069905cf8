#!/bin/sh
# Makes a virtual environment with the packages of a list; returns at once when it is there and up to date.
#
# usage: tools/setup/make_venv.sh [VENV REQUIREMENTS WHAT]    by default .venv with tools/setup/requirements.txt
#
# Paths count from the repository's root. WHAT says what is in it.
# Debian's own Python comes first: it is the version that the pins were chosen for.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-.venv}
list=${2:-tools/setup/requirements.txt}
requirements=$root/$list
venv=$root/$folder
stamp=$venv/requirements.sha256

# The path is part of the stamp: a virtual environment cannot be moved.
wanted="$(sha256sum <"$requirements" | cut -d' ' -f1) $venv"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

python=/usr/bin/python3
[ -x "$python" ] || python=python3
echo "setup: making $folder (${3:-onnxruntime, LiteRT, OpenCV and others, about 500 MB})"
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$requirements" </dev/null || {
  echo "setup: pip could not install $list; is this machine online?" >&2
  exit 1
}
echo "$wanted" >"$stamp"
