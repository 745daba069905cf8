// Division by the p-norm along one axis.
#include "base/scalar.h"
#include "ops/nn/normalize.h"
#include "ops/nn/softmax.h"

namespace slipway {

OpDef MakeLpNormalization() {
  OpDef op;
  op.name = "LpNormalization";
  op.group = "nn";
  op.summary = "Divides by the p-norm along an axis; where the norm is 0, the result is 0.";
  op.formula = "y = x / (sum |x|^p)^(1/p)";
  op.inputs = {{"x", kFloats, "any shape"}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = {IntAttr("axis", -1, "the axis"), IntAttr("p", 2, "1 or 2")};
  op.infer = [](InferContext& context) {
    const int64_t p = context.attrs().Int("p", 2);
    if (p != 1 && p != 2) return context.Error("p is " + std::to_string(p) + "; it must be 1 or 2");
    return InferSoftmax(context);
  };
  op.reference = [](RunContext& context) {
    const bool is_square = context.attrs().Int("p", 2) == 2;
    return RunRows(context, [is_square](std::vector<double>& values) {
      double sum = 0;
      for (double value : values) sum += is_square ? value * value : std::abs(value);
      const double norm = is_square ? std::sqrt(sum) : sum;
      for (double& value : values) value = norm == 0 ? 0 : value / norm;
    });
  };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (int64_t p : {1, 2}) {
      cases.push_back({"last_p" + std::to_string(p), {{.dims = {3, 37}}}, {{"p", p}}});
      cases.push_back(
          {"middle_p" + std::to_string(p), {{.dims = {2, 5, 4}}}, {{"p", p}, {"axis", int64_t{1}}}});
    }
    return cases;
  };
  op.foreign = {{Format::kOnnx, "LpNormalization"}};
  return op;
}

}  // namespace slipway
