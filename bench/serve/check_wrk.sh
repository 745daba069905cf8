#!/bin/sh
# The load generator beside wrk (bench/serve/check_wrk.py): docs/serve_benchmarks.md says more.
#
# usage: bench/serve/check_wrk.sh [--seconds S] [--rounds N] [--docs]
set -eu
cd "$(dirname "$0")/../.."
tools/setup/install_packages.sh bench/serve/packages_wrk.txt
tools/build.sh release slipway slipway_load
tools/setup/make_venv.sh build/venv-serve bench/serve/baseline/requirements.txt "serving: Flask, gunicorn, onnxruntime"
PYTHONPATH=bench exec build/venv-serve/bin/python bench/serve/check_wrk.py "$@"
