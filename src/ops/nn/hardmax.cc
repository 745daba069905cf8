// Hardmax.
#include <algorithm>

#include "ops/nn/softmax.h"

namespace slipway {

OpDef MakeHardmax() {
  OpDef op;
  op.name = "Hardmax";
  op.group = "nn";
  op.summary = "1 at the first largest element along an axis, 0 elsewhere.";
  op.inputs = {{"x", kFloats, "any shape"}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = SoftmaxAttrs();
  op.infer = InferSoftmax;
  op.reference = [](RunContext& context) {
    return RunRows(context, [](std::vector<double>& values) {
      const auto best = std::max_element(values.begin(), values.end()) - values.begin();
      std::fill(values.begin(), values.end(), 0.0);
      values[static_cast<size_t>(best)] = 1;
    });
  };
  op.cases = SoftmaxCases;
  op.foreign = {{Format::kOnnx, "Hardmax", 1, 12, ImportOldOnnxSoftmax}, {Format::kOnnx, "Hardmax", 13}};
  return op;
}

}  // namespace slipway
