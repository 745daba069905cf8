// Slices of a tensor along an axis, picked by index.
#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/infer.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (!context.shape(0) || !context.shape(1)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const DimList& shape = *context.shape(0);
  const DimList& indices = *context.shape(1);
  SLIPWAY_ASSIGN_OR_RETURN(
      const int axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(shape.size())));
  const int64_t batch = context.attrs().Int("batch_dims");
  if (batch < 0 || batch > axis || batch > static_cast<int64_t>(indices.size())) {
    return context.Error("batch_dims " + std::to_string(batch) + " must be between 0 and axis " +
                         std::to_string(axis) + " and the rank of the indices, " + ToString(indices));
  }
  for (size_t i = 0; i < static_cast<size_t>(batch); ++i) {
    if (shape[i].IsKnown() && indices[i].IsKnown() && shape[i].value() != indices[i].value()) {
      return context.Error("batch axis " + std::to_string(i) + " differs: x is " + ToString(shape) +
                           ", indices are " + ToString(indices));
    }
  }
  DimList result(shape.begin(), shape.begin() + axis);
  result.insert(result.end(), indices.begin() + batch, indices.end());
  result.insert(result.end(), shape.begin() + axis + 1, shape.end());
  context.SetOutput(0, context.dtype(0), std::move(result));
  const auto content = context.content(0);
  const auto picks = context.ints(1);
  if (shape.size() != 1 || indices.size() > 1 || !content || !picks) return Status::Ok();
  Content picked;
  const auto extent = static_cast<int64_t>(content->size());
  for (int64_t pick : *picks) {
    if (pick < -extent || pick >= extent) {
      return context.Error("index " + std::to_string(pick) + " is outside an axis of " +
                           std::to_string(extent));
    }
    picked.push_back((*content)[static_cast<size_t>(pick < 0 ? pick + extent : pick)]);
  }
  context.SetContent(0, std::move(picked));
  return Status::Ok();
}

// x: [batches, outer, extent, inner], indices: [batches, picks], y: [batches, outer, picks, inner].
Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& indices = context.in(1);
  Tensor& y = context.out(0);
  const size_t axis = AxisOf(context, x.rank());
  const auto batch_dims = static_cast<size_t>(context.attrs().Int("batch_dims"));
  const std::span<const int64_t> dims(x.dims());
  const int64_t batches = CountOf(dims.first(batch_dims));
  const int64_t outer = CountOf(dims.subspan(batch_dims, axis - batch_dims));
  const int64_t extent = dims[axis];
  const int64_t inner = CountOf(dims.subspan(axis + 1));
  const int64_t picks = CountOf(std::span<const int64_t>(indices.dims()).subspan(batch_dims));
  int64_t to = 0;
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < picks; ++i) {
        SLIPWAY_ASSIGN_OR_RETURN(const int64_t pick, IndexAt(context, indices, b * picks + i, extent));
        const int64_t from = ((b * outer + o) * extent + pick) * inner;
        CopyStrided(x.dtype(), x.data(), {from, {1}}, y.data(), {to, {1}}, {inner});
        to += inner;
      }
    }
  }
  return Status::Ok();
}

// TensorFlow: the axis is an input; a negative batch_dims counts from the indices' end.
Status ImportTensorflow(ImportContext& context) {
  int64_t axis = 0;
  if (context.HasInput(2)) {
    SLIPWAY_ASSIGN_OR_RETURN(const Ints axes, context.ConstantInts(2));
    if (axes.size() != 1) return context.Error("the axis must be one number");
    axis = axes[0];
  }
  int64_t batch_dims = context.attrs().Int("batch_dims");
  if (batch_dims < 0 && context.type(context.in(1)).HasRank())
    batch_dims += context.type(context.in(1)).rank();
  return context.Emit("Gather", {context.in(0), context.in(1)}, {{"axis", axis}, {"batch_dims", batch_dims}});
}

Status ImportTflite(ImportContext& context) {
  int64_t batch_dims = context.attrs().Int("batch_dims");
  if (batch_dims < 0 && context.type(context.in(1)).HasRank())
    batch_dims += context.type(context.in(1)).rank();
  return context.Emit("Gather", {context.in(0), context.in(1)},
                      {{"axis", context.attrs().Int("axis")}, {"batch_dims", batch_dims}});
}

// The indices come first, the table second; a table of integers may be asked for reals.
Status ImportEmbedding(ImportContext& context) {
  ValueId table = context.in(1);
  const bool is_hybrid = IsInteger(context.type(table).dtype) && !context.node().outputs.empty() &&
                         context.node().outputs[0].type.dtype == DType::kF32;
  if (is_hybrid) {
    SLIPWAY_ASSIGN_OR_RETURN(table, context.Add("Dequantize", {table}));
  }
  return context.Emit("Gather", {table, context.in(0)});
}

}  // namespace

OpDef MakeGather() {
  OpDef op;
  op.name = "Gather";
  op.group = "index";
  op.summary = "The slices of x along `axis` that the indices name.";
  op.formula = "y[b..., o..., i..., r...] = x[b..., o..., indices[b..., i...], r...]";
  op.inputs = {{"x", kAnyType, "any shape"}, {"indices", kInts, "any shape; negative counts from the end"}};
  op.outputs = {{"y", kAnyType, "the axis replaced by the indices' shape"}};
  op.attrs = {IntAttr("axis", 0, "negative counts from the end"),
              IntAttr("batch_dims", 0, "leading axes that x and the indices share")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput picks{.dtype = DType::kI64, .dims = {2, 2}, .values = {0, 2, -1, 1}};
    return std::vector<TestCase>{
        {"rows", {{.dims = {3, 5}}, picks}, {}},
        {"columns", {{.dims = {4, 3, 7}}, picks}, {{"axis", int64_t{1}}}},
        {"batch", {{.dims = {2, 3, 4}}, picks}, {{"axis", int64_t{1}}, {"batch_dims", int64_t{1}}}}};
  };
  op.foreign = {{Format::kOnnx, "Gather"},
                {Format::kTensorflow, "Gather", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "GatherV2", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "GATHER", 1, INT_MAX, ImportTflite},
                {Format::kTflite, "EMBEDDING_LOOKUP", 1, INT_MAX, ImportEmbedding}};
  return op;
}

}  // namespace slipway
