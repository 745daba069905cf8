# Sourced: makes the expected answers of other libraries (cached) and tells the tests where they are.
root=$(pwd)
oracles=$root/build/oracles
assets=${SLIPWAY_ASSETS:-$root/../shared/assets}
mkdir -p "$oracles"

# make_oracle NAME [ARGUMENT...]: runs tests/oracles/NAME.py into build/oracles/NAME unless it has not changed since.
make_oracle() {
  name=$1
  shift
  stamp=$oracles/$name.stamp
  cat "tests/oracles/$name.py" tools/setup/requirements.txt | sha256sum >"$stamp.new"
  if ! cmp -s "$stamp.new" "$stamp"; then
    echo "oracle: $name"
    rm -rf "${oracles:?}/$name"
    mkdir -p "$oracles/$name"
    .venv/bin/python "tests/oracles/$name.py" "$oracles/$name" "$@" >"$oracles/$name.log" 2>&1 || {
      tail -20 "$oracles/$name.log" >&2
      return 1
    }
    mv "$stamp.new" "$stamp"
  fi
}

make_oracle media_oracle
export SLIPWAY_ORACLE_DIR="$oracles/media_oracle"
export SLIPWAY_DEMO_DIR="$root/build/demo"
if [ -d "$assets" ]; then
  export SLIPWAY_ASSETS="$assets"
  make_oracle onnx_models "$assets"
  export SLIPWAY_ONNX_ORACLE="$oracles/onnx_models"
  make_oracle tflite_models "$assets"
  export SLIPWAY_TFLITE_ORACLE="$oracles/tflite_models"
fi

# The server's tests talk to it with clients of others.
tools/setup/make_venv.sh build/venv-clients tests/serve/requirements.txt "tritonclient, onnx"
