// Gaussian error linear unit (Hendrycks and Gimpel, 2016).
#include "ops/activation.h"
#include "ops/contrib/contrib.h"
#include "ops/import.h"
#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {
namespace {

Status ImportTflite(ImportContext& context) {
  const bool is_tanh = context.attrs().Int("approximate") != 0;
  return context.Emit("Gelu", {context.in(0)}, {{"approximate", std::string(is_tanh ? "tanh" : "none")}});
}

}  // namespace

OpDef MakeGelu() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "Gelu";
  op.summary = "Gaussian error linear unit.";
  op.formula = "y = x/2 * (1 + erf(x / sqrt(2)))";
  op.attrs = {StringAttr("approximate", "none", {"none", "tanh"}, "tanh: the tanh approximation")};
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedGelu(context);
    return RunUnary(context, context.attrs().String("approximate") == "tanh" ? GeluTanh : GeluErf);
  };
  op.cases = [] { return WithQuantized(UnaryCases(-4, 4), {-4, 4}, {-0.2, 4}); };
  op.foreign = {{Format::kOnnx, "Gelu", 20},
                {Format::kOnnx, "Gelu", 1, INT_MAX, nullptr, "com.microsoft"},
                {Format::kTflite, "GELU", 1, INT_MAX, ImportTflite}};
  for (ForeignRow& row : ContribGeluRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
