// Repeats a tensor to a broadcast shape.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto target = context.content(1);
  if (!target || !context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  for (const Dim& dim : *target) {
    if (dim.IsKnown() && dim.value() < 0)
      return context.Error("shape " + ToString(*target) + " has a negative extent");
  }
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, BroadcastShapes(context, {&*context.shape(0), &*target}));
  const bool is_repeat = shape.size() == 1 && shape[0].IsKnown() && shape[0].value() <= kMaxContentElements;
  const auto content = is_repeat ? context.content(0) : std::nullopt;
  const int64_t extent = is_repeat ? shape[0].value() : 0;
  context.SetOutput(0, context.dtype(0), std::move(shape));
  if (content && content->size() == 1) {
    context.SetContent(0, Content(static_cast<size_t>(extent), (*content)[0]));
  } else if (content && static_cast<int64_t>(content->size()) == extent) {
    context.SetContent(0, *content);
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Dims dims = KnownDims(*context.out_type(0).shape);
  Tensor& y = context.AllocateOutput(0, dims);
  const std::vector<int64_t> dense = DenseStrides(x.dims());
  StridedView from{0, std::vector<int64_t>(dims.size(), 0)};
  const size_t offset = dims.size() - x.dims().size();
  for (size_t i = 0; i < dense.size(); ++i) from.strides[offset + i] = x.dims()[i] == 1 ? 0 : dense[i];
  CopyStrided(x.dtype(), x.data(), from, y.data(), {0, DenseStrides(dims)}, dims);
  return Status::Ok();
}

}  // namespace

OpDef MakeExpand() {
  OpDef op;
  op.name = "Expand";
  op.group = "shape";
  op.summary = "Repeats x along axes of extent 1 until it has the shape that it and `shape` broadcast to.";
  op.inputs = {{"x", kAnyType, "any shape"}, {"shape", kIndices, "[n]"}};
  op.outputs = {{"y", kAnyType, "the broadcast shape"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"both",
         {{.dims = {3, 1, 5}}, {.dtype = DType::kI64, .dims = {3}, .values = {1, 4, 5}, .is_constant = true}},
         {}},
        {"scalar",
         {{.dims = {}}, {.dtype = DType::kI64, .dims = {1}, .values = {19}, .is_constant = true}},
         {}}};
  };
  op.foreign = {
      {Format::kOnnx, "Expand"}, {Format::kTensorflow, "BroadcastTo"}, {Format::kTflite, "BROADCAST_TO"}};
  return op;
}

}  // namespace slipway
