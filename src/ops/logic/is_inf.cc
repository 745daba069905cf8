// Which elements are infinite.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

// Neither infinite nor not a number.
Status ImportIsFinite(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_inf, context.Add("IsInf", {context.in(0)}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_nan, context.Add("IsNaN", {context.in(0)}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_either, context.Add("Or", {is_inf, is_nan}));
  return context.Emit("Not", {is_either});
}

}  // namespace

OpDef MakeIsInf() {
  OpDef op = UnaryOp(kFloats | kSmallFloats);
  op.name = "IsInf";
  op.group = "logic";
  op.summary = "True where an element is infinite.";
  op.outputs = {{"y", kBools, "the shape of x"}};
  op.attrs = {IntAttr("detect_negative", 1, "1: minus infinity counts"),
              IntAttr("detect_positive", 1, "1: plus infinity counts")};
  op.infer = InferBroadcastBool;
  op.reference = [](RunContext& context) {
    const Tensor& x = context.in(0);
    const bool takes_negative = context.attrs().Int("detect_negative") != 0;
    const bool takes_positive = context.attrs().Int("detect_positive") != 0;
    for (int64_t i = 0; i < x.count(); ++i) {
      const double value = LoadReal(x.dtype(), x.data(), i);
      context.out(0).as<uint8_t>()[i] = std::isinf(value) && (value < 0 ? takes_negative : takes_positive);
    }
    return Status::Ok();
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "IsInf", 10},
                {Format::kTensorflow, "IsInf"},
                {Format::kTensorflow, "IsFinite", 1, INT_MAX, ImportIsFinite}};
  return op;
}

}  // namespace slipway
