// Addition.
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAdd() {
  OpDef op = BinaryOp(kNumbers);
  op.name = "Add";
  op.summary = "Element-wise sum of two tensors under numpy broadcasting; integers wrap around.";
  op.formula = "c = a + b";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.real = [](double a, double b) { return a + b; },
                               .signed_integer = [](int64_t a, int64_t b) {
                                 return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
                               }});
  };
  op.cases = [] { return BinaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Add", 7}, {Format::kTensorflow, "Add"}, {Format::kTensorflow, "AddV2"}};
  return op;
}

}  // namespace slipway
