// Logical and over axes.
#include <algorithm>

#include "ops/reduce/reduce.h"

namespace slipway {

OpDef MakeReduceAll() {
  OpDef op = ReduceOp(kBools);
  op.name = "ReduceAll";
  op.summary = "Over axes, true where every element is true.";
  op.reference = [](RunContext& context) {
    return RunReduce(
        context, {.integer = [](std::span<const int64_t> x, DType) {
          return int64_t{std::all_of(x.begin(), x.end(), [](int64_t value) { return value != 0; })};
        }});
  };
  op.cases = [] { return ReduceCases(0, 1.99, DType::kBool); };
  op.foreign = {TensorflowReduceRow("All"), TfliteReduceRow("REDUCE_ALL")};
  return op;
}

}  // namespace slipway
