// Logical or over axes.
#include <algorithm>

#include "ops/reduce/reduce.h"

namespace slipway {

OpDef MakeReduceAny() {
  OpDef op = ReduceOp(kBools);
  op.name = "ReduceAny";
  op.summary = "Over axes, true where any element is true.";
  op.reference = [](RunContext& context) {
    return RunReduce(
        context, {.integer = [](std::span<const int64_t> x, DType) {
          return int64_t{std::any_of(x.begin(), x.end(), [](int64_t value) { return value != 0; })};
        }});
  };
  op.cases = [] { return ReduceCases(0, 1.99, DType::kBool); };
  op.foreign = {TensorflowReduceRow("Any"), TfliteReduceRow("REDUCE_ANY")};
  return op;
}

}  // namespace slipway
