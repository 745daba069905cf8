// What the reductions share: axes, slices, and a loop that hands each slice's elements to the record's
// function.
#pragma once

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// y = f(the elements of a slice), in row-major order of the reduced axes; a slice may be empty.
struct ReduceFunctions {
  double (*real)(std::span<const double>) = nullptr;
  // Integers and bools, u64 by its bits. Null: `real` serves, its result truncated.
  int64_t (*integer)(std::span<const int64_t>, DType) = nullptr;
};

// Where the elements of the slices are: element k of slice s stands at starts[s] + offsets[k].
struct Slices {
  std::vector<int64_t> starts;
  std::vector<int64_t> offsets;
};
Slices SlicesAlong(const Dims& dims, const std::vector<bool>& is_reduced);

// Per axis of input 0, whether the call reduces it: input 1, `noop_with_empty_axes`. Errors name bad axes.
Result<std::vector<bool>> ReducedAxes(const RunContext& context);

// A record with axes as an input, all but name, summary, formula, reference and rows.
OpDef ReduceOp(DTypeSet dtypes);
Status InferReduce(InferContext& context);
Status RunReduce(RunContext& context, const ReduceFunctions& functions);
std::vector<TestCase> ReduceCases(double low, double high, DType dtype = DType::kF32);
// ONNX's forms of Reduce<X>: the axes are an attribute before opset `axes_input_since`.
ForeignRows OnnxReduceRows(const char* name, int axes_input_since);
// One row each; in both formats empty axes reduce nothing.
ForeignRow TensorflowReduceRow(const char* name);
ForeignRow TfliteReduceRow(const char* name);

// input and output shape for one axis given as an attribute: the axis' extent becomes 1, or goes.
Status InferAlongAxis(InferContext& context, DType result);

}  // namespace slipway
