// Leaky rectified linear unit.
#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeLeakyRelu() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "LeakyRelu";
  op.summary = "Leaky rectified linear unit: negative elements are scaled.";
  op.formula = "y = x >= 0 ? x : alpha * x";
  op.attrs = {FloatAttr("alpha", 0.01f, "slope of the negative part")};
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedLeakyRelu(context);
    const double alpha = context.attrs().Float("alpha");
    return RunUnaryWith(context, [&](double x) { return x < 0 ? alpha * x : x; });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-4, 4), {-4, 4}, {-2, 4}); };
  op.foreign = {
      {Format::kOnnx, "LeakyRelu"}, {Format::kTensorflow, "LeakyRelu"}, {Format::kTflite, "LEAKY_RELU"}};
  return op;
}

}  // namespace slipway
