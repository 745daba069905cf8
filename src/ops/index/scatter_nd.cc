// Slices put into a copy of a tensor, an index tuple each.
#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/index/reduction.h"
#include "ops/infer.h"
#include "ops/shape/move.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.dtype(2) != context.dtype(0)) return context.Error("x and updates must be of one type");
  const auto& x = context.shape(0);
  const auto& indices = context.shape(1);
  const auto& updates = context.shape(2);
  context.SetOutput(0, context.input(0));
  if (!x || !indices || !updates || indices->empty() || !indices->back().IsKnown()) return Status::Ok();
  const int64_t depth = indices->back().value();
  DimList wanted(indices->begin(), indices->end() - 1);
  if (depth > static_cast<int64_t>(x->size())) {
    return context.Error("indices " + ToString(*indices) + " name more axes than x " + ToString(*x) + " has");
  }
  wanted.insert(wanted.end(), x->begin() + depth, x->end());
  bool fits = wanted.size() == updates->size();
  for (size_t i = 0; fits && i < wanted.size(); ++i) {
    fits = !wanted[i].IsKnown() || !(*updates)[i].IsKnown() || wanted[i].value() == (*updates)[i].value();
  }
  if (!fits)
    return context.Error("updates are " + ToString(*updates) + "; indices and x ask for " + ToString(wanted));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RunMove(context));
  Tensor& y = context.out(0);
  const Tensor& indices = context.in(1);
  const Tensor& updates = context.in(2);
  const std::string& reduction = context.attrs().String("reduction");
  const std::vector<int64_t> strides = DenseStrides(y.dims());
  const int64_t depth = indices.dim(-1);
  const int64_t run = CountOf(std::span<const int64_t>(y.dims()).subspan(static_cast<size_t>(depth)));
  const int64_t tuples = CountOf(std::span<const int64_t>(indices.dims()).first(indices.dims().size() - 1));
  for (int64_t t = 0; t < tuples; ++t) {
    int64_t to = 0;
    for (int64_t k = 0; k < depth; ++k) {
      const auto axis = static_cast<size_t>(k);
      SLIPWAY_ASSIGN_OR_RETURN(const int64_t pick, IndexAt(context, indices, t * depth + k, y.dims()[axis]));
      to += pick * strides[axis];
    }
    for (int64_t i = 0; i < run; ++i)
      ScatterElement(reduction, y.dtype(), updates.data(), t * run + i, y.data(), to + i);
  }
  return Status::Ok();
}

// TensorFlow's ScatterNd and TFLite's SCATTER_ND: onto zeros, equal tuples add up.
Status ImportOntoZeros(ImportContext& context) {
  const DType dtype = context.type(context.in(1)).dtype;
  if (dtype == DType::kNone) return context.Unsupported("the updates' type must be known");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId zeros,
                           context.Add("ConstantOfShape", {context.in(2)}, {{"value", Tensor(dtype, {1})}}));
  return context.Emit("ScatterND", {zeros, context.in(0), context.in(1)},
                      {{"reduction", std::string("add")}});
}

// SparseToDense: onto a default; indices may be a scalar or, for one axis, a vector.
Status ImportSparseToDense(ImportContext& context) {
  const Type& indices = context.type(context.in(0));
  if (!indices.HasRank() || indices.rank() > 2 || (indices.rank() > 0 && !(*indices.shape)[0].IsKnown()))
    return context.Unsupported("the number of indices must be known: " + ToString(indices));
  const int64_t count = indices.rank() == 0 ? 1 : (*indices.shape)[0].value();
  ValueId tuples = context.in(0);
  if (indices.rank() < 2) {
    SLIPWAY_ASSIGN_OR_RETURN(tuples, context.Add("Reshape", {tuples, context.ConstInts({count, 1})}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId values,
                           context.Add("Expand", {context.in(2), context.ConstInts({count})}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId background, context.Add("Expand", {context.in(3), context.in(1)}));
  return context.Emit("ScatterND", {background, tuples, values});
}

// TensorScatterUpdate, TensorScatterAdd, ...
Status ImportTensorScatter(ImportContext& context) {
  const std::string& name = context.node().op;
  const char* reduction = name == "TensorScatterAdd"   ? "add"
                          : name == "TensorScatterMax" ? "max"
                          : name == "TensorScatterMin" ? "min"
                                                       : "none";
  return context.Emit("ScatterND", context.node().inputs, {{"reduction", std::string(reduction)}});
}

}  // namespace

OpDef MakeScatterND() {
  OpDef op;
  op.name = "ScatterND";
  op.group = "index";
  op.summary = "A copy of x with each slice of updates put where its index tuple says.";
  op.formula = "y[indices[t..., :]] = updates[t...]";
  op.inputs = {{"x", kAnyType, "rank 1 or more"},
               {"indices", kIndices, "[tuples..., axes named]"},
               {"updates", kAnyType, "[tuples..., axes of x that are not named]"}};
  op.outputs = {{"y", kAnyType, "the shape of x"}};
  op.attrs = {ReductionAttr()};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"rows",
         {{.dims = {4, 3}}, {.dtype = DType::kI64, .dims = {2, 1}, .values = {2, 0}}, {.dims = {2, 3}}},
         {}},
        {"add",
         {{.dims = {5}}, {.dtype = DType::kI64, .dims = {3, 1}, .values = {1, 1, 4}}, {.dims = {3}}},
         {{"reduction", std::string("add")}}}};
  };
  op.foreign = {{Format::kOnnx, "ScatterND"},
                {Format::kTensorflow, "ScatterNd", 1, INT_MAX, ImportOntoZeros},
                {Format::kTensorflow, "TensorScatterUpdate", 1, INT_MAX, ImportTensorScatter},
                {Format::kTensorflow, "TensorScatterAdd", 1, INT_MAX, ImportTensorScatter},
                {Format::kTensorflow, "TensorScatterMax", 1, INT_MAX, ImportTensorScatter},
                {Format::kTensorflow, "TensorScatterMin", 1, INT_MAX, ImportTensorScatter},
                {Format::kTflite, "SCATTER_ND", 1, INT_MAX, ImportOntoZeros},
                {Format::kTensorflow, "SparseToDense", 1, INT_MAX, ImportSparseToDense},
                {Format::kTflite, "SPARSE_TO_DENSE", 1, INT_MAX, ImportSparseToDense}};
  return op;
}

}  // namespace slipway
