// Slices of a tensor picked by index tuples.
#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/infer.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& shape = context.shape(0);
  const auto& indices = context.shape(1);
  if (!shape || !indices || indices->empty() || !indices->back().IsKnown()) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const int64_t batch = context.attrs().Int("batch_dims");
  const int64_t depth = indices->back().value();
  const auto rank = static_cast<int64_t>(shape->size());
  if (batch < 0 || batch + depth > rank || batch >= static_cast<int64_t>(indices->size())) {
    return context.Error("indices " + ToString(*indices) + " name " + std::to_string(depth) +
                         " axes behind " + std::to_string(batch) + " batch axes of x " + ToString(*shape));
  }
  for (size_t i = 0; i < static_cast<size_t>(batch); ++i) {
    const Dim& a = (*shape)[i];
    const Dim& b = (*indices)[i];
    if (a.IsKnown() && b.IsKnown() && a.value() != b.value()) {
      return context.Error("batch axis " + std::to_string(i) + " differs: x is " + ToString(*shape) +
                           ", indices are " + ToString(*indices));
    }
  }
  DimList result(indices->begin(), indices->end() - 1);
  result.insert(result.end(), shape->begin() + batch + depth, shape->end());
  context.SetOutput(0, context.dtype(0), std::move(result));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& indices = context.in(1);
  Tensor& y = context.out(0);
  const auto batch = static_cast<size_t>(context.attrs().Int("batch_dims"));
  const int64_t depth = indices.dim(-1);
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  const std::span<const int64_t> dims(x.dims());
  const int64_t batches = CountOf(dims.first(batch));
  const int64_t per_batch = CountOf(dims.subspan(batch));
  const int64_t run = CountOf(dims.subspan(batch + static_cast<size_t>(depth)));
  const int64_t tuples = CountOf(std::span<const int64_t>(indices.dims()).first(indices.dims().size() - 1));
  for (int64_t t = 0; t < tuples; ++t) {
    int64_t from = t / (tuples / batches) * per_batch;
    for (int64_t k = 0; k < depth; ++k) {
      const size_t axis = batch + static_cast<size_t>(k);
      SLIPWAY_ASSIGN_OR_RETURN(const int64_t pick, IndexAt(context, indices, t * depth + k, dims[axis]));
      from += pick * strides[axis];
    }
    CopyStrided(x.dtype(), x.data(), {from, {1}}, y.data(), {t * run, {1}}, {run});
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeGatherND() {
  OpDef op;
  op.name = "GatherND";
  op.group = "index";
  op.summary = "The slices of x that index tuples name.";
  op.formula = "y[b..., t...] = x[b..., indices[b..., t..., :]]";
  op.inputs = {{"x", kAnyType, "rank 1 or more"}, {"indices", kInts, "[batch..., tuples..., axes named]"}};
  op.outputs = {
      {"y", kAnyType, "the indices' shape but the last axis, then the axes of x that are not named"}};
  op.attrs = {IntAttr("batch_dims", 0, "leading axes that x and the indices share")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput tuples{.dtype = DType::kI64, .dims = {2, 2}, .values = {0, 1, 1, -1}};
    return std::vector<TestCase>{
        {"slices", {{.dims = {2, 3, 4}}, tuples}, {}},
        {"batch",
         {{.dims = {2, 3, 4}}, {.dtype = DType::kI64, .dims = {2, 1}, .values = {1, 2}}},
         {{"batch_dims", int64_t{1}}}}};
  };
  op.foreign = {{Format::kOnnx, "GatherND"},
                {Format::kOnnx, "GatherND", 1, INT_MAX, nullptr, "com.microsoft"},
                {Format::kTensorflow, "GatherNd"},
                {Format::kTflite, "GATHER_ND"}};
  return op;
}

}  // namespace slipway
