#!/bin/sh
# make test-arm: the engine cross built for ARM, and its tests as qemu-user's processors run them.
#
# usage: tools/test_arm.sh [PROCESSOR...]    of those below; by default all
#   cortex-a53   64 bits, neither dot products nor products of 16 bits
#   max          64 bits with everything that qemu knows: SDOT, FMLAL (f16), BFDOT (bf16), SVE
#   cortex-a15   32 bits (ARMv7-A), NEON and VFPv4
#
# What runs: the tests of base, passes, build, runtime and of the kernels (each against the reference, whose own tests
# the building machine runs), ONNX's node suite on `cpu`, also with constant weights in every precision that the
# processor has, and LiteRT's answers to small 8-bit models, to the bit. An emulated processor is some thirty times
# slower than this one: whole networks are left out, and no time is taken.
set -eu
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
tools/setup/install_packages.sh
tools/setup/make_venv.sh
tools/setup/install_packages.sh tools/setup/packages_arm.txt
. tools/test_env.sh

tests='slipway_(base|passes|build|runtime|backend_cpu)_test|onnx_conformance_cpu_.*'
targets="slipway_base_test slipway_passes_test slipway_build_test slipway_runtime_test slipway_backend_cpu_test
  slipway_onnx_conformance slipway_tflite_models_test"
models='*mlperf_*_int8_cpu:*mlperf_*_int8_optimized:*tflm_*int8_cpu:*coral_mobilenet_v1_0_25_128_quant_cpu'

for processor in ${*:-cortex-a53 max cortex-a15}; do
  case $processor in
  cortex-a15) preset=armv7 arch=armhf extensions= ;;
  max) preset=arm64 arch=arm64 extensions=+dotprod+fhm+bf16 ;;
  *) preset=arm64 arch=arm64 extensions= ;;
  esac
  tools/setup/make_sysroot.sh $arch
  tools/build.sh $preset $targets
  echo "test: $preset on $processor"
  export QEMU_CPU="$processor" SLIPWAY_ARM_EXTENSIONS="$extensions"
  ctest --test-dir build/$preset --output-on-failure --no-tests=error -j "$jobs" --tests-regex "^($tests)\$"
  [ -z "${SLIPWAY_TFLITE_ORACLE:-}" ] || GTEST_FILTER=$models ctest --test-dir build/$preset --output-on-failure \
    --no-tests=error --tests-regex '^slipway_tflite_models_test$'
  [ -n "$extensions" ] || continue
  SLIPWAY_ISA=neon SLIPWAY_ARM_EXTENSIONS='' GTEST_FILTER='ArmExtensions.*' \
    ctest --test-dir build/$preset --output-on-failure --no-tests=error --tests-regex '^slipway_backend_cpu_test$'
done
