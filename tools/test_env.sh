# Sourced, in the repository root: tells the tests where oracle data, assets and the demo's files are.
SLIPWAY_ORACLE_DIR=$PWD/build/oracles/media_oracle
SLIPWAY_ONNX_ORACLE=$PWD/build/oracles/onnx_models
SLIPWAY_TFLITE_ORACLE=$PWD/build/oracles/tflite_models
SLIPWAY_TFLITE_OPS_ORACLE=$PWD/build/oracles/tflite_ops
SLIPWAY_DEMO_DIR=$PWD/build/demo
export SLIPWAY_ORACLE_DIR SLIPWAY_ONNX_ORACLE SLIPWAY_TFLITE_ORACLE SLIPWAY_TFLITE_OPS_ORACLE SLIPWAY_DEMO_DIR
if [ -d ../shared/assets ]; then
  SLIPWAY_ASSETS=${SLIPWAY_ASSETS:-$(cd ../shared/assets && pwd)}
  export SLIPWAY_ASSETS
fi
