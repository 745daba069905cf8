#!/bin/sh
# Measures whether batching pays (bench/serve/batching.py): docs/serve_benchmarks.md says more.
#
# usage: bench/serve/batching.sh [--models "NAME..."] [--connections "N..."] [--seconds S] [--rounds N] [--docs]
set -eu
cd "$(dirname "$0")/../.."
tools/build.sh release slipway slipway_load
tools/setup/make_venv.sh build/venv-serve bench/serve/baseline/requirements.txt "serving: Flask, gunicorn, onnxruntime"
PYTHONPATH=bench exec build/venv-serve/bin/python bench/serve/batching.py "$@"
