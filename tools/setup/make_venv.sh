#!/bin/sh
# Makes .venv with the packages of requirements.txt; returns at once when it is there and up to date.
#
# Debian's own Python comes first: it is the version that the pins were chosen for.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
requirements=$root/tools/setup/requirements.txt
venv=$root/.venv
stamp=$venv/requirements.sha256

# The path is part of the stamp: a virtual environment cannot be moved.
wanted="$(sha256sum <"$requirements" | cut -d' ' -f1) $venv"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

python=/usr/bin/python3
[ -x "$python" ] || python=python3
echo "setup: making .venv (onnxruntime, LiteRT, OpenCV and others, about 500 MB)"
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$requirements" </dev/null || {
  echo "setup: pip could not install tools/setup/requirements.txt; is this machine online?" >&2
  exit 1
}
echo "$wanted" >"$stamp"
