// Which elements are not a number.
#include <cmath>

#include "base/scalar.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeIsNaN() {
  OpDef op = UnaryOp(kFloats | kSmallFloats);
  op.name = "IsNaN";
  op.group = "logic";
  op.summary = "True where an element is NaN.";
  op.outputs = {{"y", kBools, "the shape of x"}};
  op.infer = InferBroadcastBool;
  op.reference = [](RunContext& context) {
    const Tensor& x = context.in(0);
    for (int64_t i = 0; i < x.count(); ++i) {
      context.out(0).as<uint8_t>()[i] = std::isnan(LoadReal(x.dtype(), x.data(), i));
    }
    return Status::Ok();
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "IsNaN", 9}, {Format::kTensorflow, "IsNan"}};
  return op;
}

}  // namespace slipway
