#!/bin/sh
# Times Slipway and other engines side by side: makes build/venv-peers, builds, runs. docs/benchmarks.md says more.
#
# usage: bench/peers/run.sh [--models "NAME..."] [--engines "NAME..."] [--threads "N..."] [--seconds S] [--docs]
set -eu
cd "$(dirname "$0")/../.."
tools/build.sh release slipway_turns
tools/setup/make_venv.sh build/venv-peers bench/peers/requirements.txt "peers: onnxruntime, OpenVINO, MNN, ncnn, LiteRT"
export PYTHONPATH=bench
exec build/venv-peers/bin/python -m peers "$@"
