#!/bin/sh
# Random graphs, run every way that Slipway can run them, and by onnxruntime where the Python environment has it.
#
# usage: tools/graph_fuzz.sh [GRAPHS [SEED]]: 20000 graphs, another seed every day. What differs stands in
# build/graph_findings, each with the command that shows it again.
set -eu
cd "$(dirname "$0")/.."
graphs=${1:-20000}
seed=${2:-$(date +%Y%m%d)000000}
tools/build.sh release slipway_graph_fuzz
set -- build/release/fuzz/slipway_graph_fuzz --graphs "$graphs" --seed "$seed" --findings build/graph_findings
if .venv/bin/python -c 'import onnx, onnxruntime' 2>/dev/null; then
  exec "$@" --oracle ".venv/bin/python tests/oracles/graph_fuzz.py" --deviations tests/oracles/graph_fuzz_deviations.txt
fi
echo "onnxruntime is not installed: only Slipway's own ways are compared"
exec "$@"
