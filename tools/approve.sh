#!/bin/sh
# Rewrites what is made from the code and kept in git; review the change with git diff.
set -eu
cd "$(dirname "$0")/.."
build/release/slipway ops --markdown >docs/operators.md
tools/build.sh release slipway_manifest_test slipway_passes_test slipway_backend_cpu_test slipway_onnx_conformance
SLIPWAY_APPROVE=1 build/release/src/manifest/slipway_manifest_test --gtest_filter='*PublishedSchema*' --gtest_brief=1
SLIPWAY_APPROVE=1 build/release/src/passes/slipway_passes_test --gtest_filter='*PassGolden.*' --gtest_brief=1
SLIPWAY_APPROVE=1 build/release/src/backends/cpu/slipway_backend_cpu_test --gtest_filter='Packing.*' --gtest_brief=1
# Never adds to the list: what fails without being listed is a defect.
build/release/conformance/slipway_onnx_conformance --drop-passing >/dev/null
git --no-pager diff --stat -- docs src/passes/testdata src/backends/cpu/testdata conformance
