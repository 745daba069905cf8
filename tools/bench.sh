#!/bin/sh
# Times the kernels (Google Benchmark, each result checked first) and whole models through the CLI.
#
# usage: tools/bench.sh [MODEL...]
#
# Without MODEL: the demo's detector, where `make demo` has made it, and the vision models of the shared assets.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh release slipway slipway_kernels_bench
build/release/bench/slipway_kernels_bench
if [ $# -eq 0 ]; then
  assets=${SLIPWAY_ASSETS:-../shared/assets}
  [ ! -f build/demo/coco_ssd.slip ] || set -- build/demo/coco_ssd.slip
  if [ -d "$assets" ]; then
    for name in yolov5n-fp16-320 mobilenet_v1_0.25_224_float_metadata mobilenet_v1_0.25_224_quant_metadata; do
      set -- "$@" "$assets/tflite/$name.tflite"
    done
  else
    echo "bench: no shared assets in '$assets' (SLIPWAY_ASSETS): their models are left out" >&2
  fi
fi
failed=
for model; do
  echo "bench: $model"
  build/release/slipway bench "$model" || failed="$failed $model"
done
[ -z "$failed" ] || {
  echo "bench: failed for$failed" >&2
  exit 1
}
