// Swish: x times the logistic function of alpha * x.
#include <cmath>

#include "ops/contrib/contrib.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

Status ImportQuickGelu(ImportContext& context) {
  return context.Emit("Swish", {context.in(0)}, {{"alpha", context.attrs().Float("alpha", 1.702F)}});
}

}  // namespace

OpDef MakeSwish() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Swish";
  op.summary = "Swish: x times the logistic function of alpha * x.";
  op.formula = "y = x / (1 + e^(-alpha*x))";
  op.attrs = {FloatAttr("alpha", 1.0f, "see the formula")};
  op.reference = [](RunContext& context) {
    const double p[] = {context.attrs().Float("alpha")};
    return RunUnaryWith(context, [&](double x) { return x / (1 + std::exp(-p[0] * x)); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Swish", 24}, ContribRow("QuickGelu", ImportQuickGelu)};
  return op;
}

}  // namespace slipway
