// Repetition along axes.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  const auto repeats = context.content(1);
  if (repeats && repeats->size() != shape.size()) {
    return context.Error("repeats has " + std::to_string(repeats->size()) + " entries, x has rank " +
                         std::to_string(shape.size()));
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    if (repeats && (*repeats)[i].IsKnown() && (*repeats)[i].value() < 0)
      return context.Error("repeats must not be negative");
    shape[i] = repeats ? shape[i] * (*repeats)[i] : Dim();
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& repeats = context.in(1);
  Dims dims;
  Dims blocks;  // repeats and extents interleaved
  StridedView from;
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  for (int axis = 0; axis < x.rank(); ++axis) {
    const int64_t repeat = LoadInt(repeats.dtype(), repeats.data(), axis);
    dims.push_back(x.dim(axis) * repeat);
    blocks.insert(blocks.end(), {repeat, x.dim(axis)});
    from.strides.insert(from.strides.end(), {0, strides[static_cast<size_t>(axis)]});
  }
  Tensor& y = context.AllocateOutput(0, std::move(dims));
  CopyStrided(x.dtype(), x.data(), from, y.data(), {0, DenseStrides(blocks)}, blocks);
  return Status::Ok();
}

}  // namespace

OpDef MakeTile() {
  OpDef op;
  op.name = "Tile";
  op.group = "shape";
  op.summary = "Repeats x along each axis.";
  op.inputs = {{"x", kAnyType, "any shape"}, {"repeats", kIndices, "[rank of x]"}};
  op.outputs = {{"y", kAnyType, "x's extents times repeats"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"both",
         {{.dims = {2, 3}}, {.dtype = DType::kI64, .dims = {2}, .values = {2, 3}, .is_constant = true}},
         {}}};
  };
  op.foreign = {{Format::kOnnx, "Tile", 6}, {Format::kTensorflow, "Tile"}, {Format::kTflite, "TILE"}};
  return op;
}

}  // namespace slipway
