#!/bin/sh
# Measures `slipway serve` beside a Flask server on the same models: makes build/venv-serve, builds, runs.
# docs/serve_benchmarks.md says more.
#
# usage: bench/serve/run.sh [--models "NAME..."] [--servers "NAME..."] [--concurrency "N..."] [--seconds S] [--docs]
set -eu
cd "$(dirname "$0")/../.."
tools/build.sh release slipway slipway_load
tools/setup/make_venv.sh build/venv-serve bench/serve/baseline/requirements.txt "serving: Flask, gunicorn, onnxruntime"
exec build/venv-serve/bin/python bench/serve/run.py "$@"
