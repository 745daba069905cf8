// Largest element over axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/scalar.h"
#include "ops/reduce/reduce.h"

namespace slipway {
namespace {

double Largest(std::span<const double> x) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double best = -kInfinity;
  for (double value : x) best = std::isnan(best) || std::isnan(value) ? NAN : std::fmax(best, value);
  return best;
}

int64_t LargestInteger(std::span<const int64_t> x, DType dtype) {
  if (dtype == DType::kU64) {
    uint64_t best = 0;
    for (int64_t value : x) best = std::max(best, static_cast<uint64_t>(value));
    return static_cast<int64_t>(best);
  }
  int64_t best = dtype == DType::kBool ? 0 : MinOfInteger(dtype);
  for (int64_t value : x) best = std::max(best, value);
  return best;
}

}  // namespace

OpDef MakeReduceMax() {
  OpDef op = ReduceOp(kNumbers | kBools);
  op.name = "ReduceMax";
  op.summary = "Largest element over axes; NaN wins; of nothing the type's lowest.";
  op.formula = "y = max(x)";
  op.reference = [](RunContext& context) {
    return RunReduce(context, {.real = Largest, .integer = LargestInteger});
  };
  op.cases = [] { return ReduceCases(-4, 4); };
  op.foreign = OnnxReduceRows("ReduceMax", 18);
  op.foreign.push_back(TensorflowReduceRow("Max"));
  op.foreign.push_back(TfliteReduceRow("REDUCE_MAX"));
  return op;
}

}  // namespace slipway
