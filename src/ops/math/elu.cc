// Exponential linear unit.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeElu() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "Elu";
  op.summary = "Exponential linear unit.";
  op.formula = "y = x > 0 ? x : alpha * (e^x - 1)";
  op.attrs = {FloatAttr("alpha", 1.0f, "see the formula")};
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedElu(context);
    const double p[] = {context.attrs().Float("alpha")};
    return RunUnaryWith(context, [&](double x) { return x > 0 ? x : p[0] * std::expm1(x); });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-4, 4), {-4, 4}, {-1, 4}); };
  op.foreign = {{Format::kOnnx, "Elu", 6}, {Format::kTensorflow, "Elu", 1}, {Format::kTflite, "ELU", 1}};
  return op;
}

}  // namespace slipway
