// Product over axes.
#include "ops/reduce/reduce.h"

namespace slipway {

OpDef MakeReduceProd() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceProd";
  op.summary = "Product over axes; integers wrap around.";
  op.formula = "y = prod(x)";
  op.reference = [](RunContext& context) {
    return RunReduce(context, {.real =
                                   [](std::span<const double> x) {
                                     double product = 1;
                                     for (double value : x) product *= value;
                                     return product;
                                   },
                               .integer =
                                   [](std::span<const int64_t> x, DType) {
                                     uint64_t product = 1;
                                     for (int64_t value : x) product *= static_cast<uint64_t>(value);
                                     return static_cast<int64_t>(product);
                                   }});
  };
  op.cases = [] { return ReduceCases(0.5, 1.5); };
  op.foreign = OnnxReduceRows("ReduceProd", 18);
  op.foreign.push_back(TensorflowReduceRow("Prod"));
  op.foreign.push_back(TfliteReduceRow("REDUCE_PROD"));
  return op;
}

}  // namespace slipway
