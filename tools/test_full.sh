#!/bin/sh
# What `make test-full` adds to `make test`: the server under load and in faults, the page in a browser, made-up requests to the server, KServe's API, TensorFlow's own answers,
# random graphs by the thousand, sanitizers, the other compiler, scalar code, ARM, longer fuzzing.
set -eu
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
. tools/test_env.sh

# run PRESET "TARGET..." [ctest options...]
run() {
  preset=$1
  targets=$2
  shift 2
  tools/build.sh "$preset" $targets
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" "$@"
}

tools/setup/install_packages.sh tools/setup/packages_browser.txt
ctest --test-dir build/release --output-on-failure --no-tests=error --label-regex load
tests/serve/openapi_fuzz.sh build/release/slipway
tests/serve/kserve_schema.sh
tests/oracles/tensorflow.sh build/release/slipway
tests/oracles/extensions.sh build/release/slipway
tools/graph_fuzz.sh 20000
# The fuzz preset is clang with ASan and UBSan: one build serves the unit tests and the fuzzers.
run fuzz unit_tests --label-regex unit
tools/fuzz.sh "${SECONDS_EACH:-300}"
run tsan "slipway_base_test slipway_runtime_test" --tests-regex 'slipway_(base|runtime)_test'
run scalar unit_tests --label-regex unit
run clang unit_tests --label-regex unit
tools/test_arm.sh
