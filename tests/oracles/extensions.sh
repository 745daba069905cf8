#!/bin/sh
# Operators of onnxruntime-extensions and TensorFlow Text against the libraries themselves. They live in virtual
# environments of their own, made on the first run: build/venv-extensions, and build/tensorflow-text beside the
# TensorFlow of tensorflow.sh, which must have run before.
# usage: tests/oracles/extensions.sh SLIPWAY
set -eu
cd "$(dirname "$0")/../.."
venv=build/venv-extensions
tensorflow=build/venv-tensorflow
text=build/tensorflow-text
if [ ! -f "$venv/complete" ]; then
  echo "making $venv (onnxruntime-extensions, sentencepiece, about 250 MB)"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check onnx==1.22.0 onnxruntime==1.32.0 \
    onnxruntime-extensions==0.15.2 sentencepiece==0.2.3 pillow==13.0.0 </dev/null
  touch "$venv/complete"
fi
"$venv/bin/python" tests/oracles/onnx_extensions.py "$1"
if [ ! -f "$text/complete" ]; then
  # Its own requirement, tensorflow, is there under another name.
  rm -rf "$text"
  "$tensorflow/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$text" \
    tensorflow-text==2.21.1 </dev/null
  touch "$text/complete"
fi
PYTHONPATH=$text "$tensorflow/bin/python" tests/oracles/tensorflow_text_check.py "$1"
