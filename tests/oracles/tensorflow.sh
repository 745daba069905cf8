#!/bin/sh
# Models made by TensorFlow and Keras run as these ran them: SavedModels, frozen graphs, and Keras models in TensorFlow.js's layers
# format. TensorFlow lives in a virtual environment of its own, made on the first run: it is too large to be among the
# project's requirements, and wants other versions of them.
# usage: tests/oracles/tensorflow.sh SLIPWAY
set -eu
cd "$(dirname "$0")/../.."
venv=build/venv-tensorflow
models=build/oracles/tensorflow_saved
if [ ! -f "$venv/complete" ]; then
  echo "making $venv (tensorflow-cpu 2.21, Keras 3 and 2, about 1.6 GB)"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 keras==3.15.1 </dev/null
  # Keras 2. Its own requirement, tensorflow, is there under another name.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps tf_keras==2.21.0 </dev/null
  touch "$venv/complete"
fi
mkdir -p "$models"
for maker in saved_models frozen operators; do
  "$venv/bin/python" "tests/oracles/tensorflow_$maker.py" "$models" 2>"$models/log.txt" || {
    tail -n 20 "$models/log.txt" >&2
    exit 1
  }
done
.venv/bin/python tests/e2e/tensorflow_saved_check.py "$1" "$models"
"$venv/bin/python" tests/oracles/keras_models.py "$1"
