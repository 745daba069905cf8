#!/bin/sh
# SavedModels made by TensorFlow run as TensorFlow ran them. TensorFlow lives in a virtual environment of its own, made on
# the first run: it is too large to be among the project's requirements, and wants other versions of them.
# usage: tests/oracles/tensorflow_saved.sh SLIPWAY
set -eu
cd "$(dirname "$0")/../.."
venv=build/venv-tensorflow
models=build/oracles/tensorflow_saved
if [ ! -f "$venv/tensorflow-2.21" ]; then
  echo "making $venv (tensorflow-cpu 2.21, about 900 MB)"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 </dev/null
  touch "$venv/tensorflow-2.21"
fi
mkdir -p "$models"
"$venv/bin/python" tests/oracles/tensorflow_saved_models.py "$models" 2>"$models/log.txt" || {
  tail -n 20 "$models/log.txt" >&2
  exit 1
}
.venv/bin/python tests/e2e/tensorflow_saved_check.py "$1" "$models"
