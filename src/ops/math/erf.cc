// Gauss error function.
#include <cmath>

#include "ops/import.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

// erfc(x) = 1 - erf(x)
Status ImportComplement(ImportContext& context) {
  const DType dtype = context.type(context.in(0)).dtype;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId erf, context.Add("Erf", {context.in(0)}));
  return context.Emit("Sub", {context.builder().Scalar(dtype, 1), erf});
}

}  // namespace

OpDef MakeErf() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Erf";
  op.summary = "Gauss error function.";
  op.formula = "y = 2/sqrt(pi) * integral(0..x, exp(-t^2) dt)";
  op.reference = [](RunContext& context) {
    return RunUnary(
        context, [](double x) { return std::erf(x); },
        [](int64_t x) { return static_cast<int64_t>(std::erf(static_cast<double>(x))); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Erf"},
                {Format::kTensorflow, "Erf"},
                {Format::kTensorflow, "Erfc", 1, INT_MAX, ImportComplement}};
  return op;
}

}  // namespace slipway
