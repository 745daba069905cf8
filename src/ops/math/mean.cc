// Mean of all operands, element by element.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeMean() {
  OpDef op = VariadicOp(kFloats);
  op.name = "Mean";
  op.summary = "Mean of all operands, element by element.";
  op.reference = [](RunContext& context) {
    SLIPWAY_RETURN_IF_ERROR(
        RunFold(context, {.real = [](double a, double b) { return a + b; },
                          .signed_integer = [](int64_t a, int64_t b) { return a + b; },
                          .unsigned_integer = [](uint64_t a, uint64_t b) { return a + b; }}));
    Tensor& y = context.out(0);
    const double n = static_cast<double>(context.num_inputs());
    for (int64_t i = 0; i < y.count(); ++i) {
      StoreReal(y.dtype(), y.data(), i, LoadReal(y.dtype(), y.data(), i) / n);
    }
    return Status::Ok();
  };
  op.cases = [] { return BinaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Mean", 1}};
  return op;
}

}  // namespace slipway
