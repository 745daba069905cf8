#!/bin/sh
# Times the kernels (Google Benchmark) and, where the shared assets are, whole models through the CLI.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh release
. tools/test_env.sh
for program in build/release/bench/*_bench; do
  [ ! -x "$program" ] || "$program"
done
[ -n "${SLIPWAY_ASSETS:-}" ] || exit 0
for model in "$SLIPWAY_ASSETS"/tflite/*yolov5n*.tflite "$SLIPWAY_ASSETS"/tflite/*mobilenet*.tflite; do
  [ ! -f "$model" ] || build/release/slipway bench "$model" || true
done
