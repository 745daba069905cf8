// Repeats a tensor whole, a number of times along each axis.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
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
    return context.Error("repeats " + ToString(*repeats) + " must have an entry per axis of " +
                         ToString(shape));
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    if (repeats && (*repeats)[i].IsKnown() && (*repeats)[i].value() < 0) {
      return context.Error("repeats " + ToString(*repeats) + " has a negative entry");
    }
    shape[i] = repeats ? shape[i] * (*repeats)[i] : Dim();
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// y seen as [repeat, extent] per axis, where x does not move along the repeats.
Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& repeats = context.in(1);
  Dims dims = x.dims();
  for (size_t i = 0; i < dims.size(); ++i)
    dims[i] *= LoadInt(repeats.dtype(), repeats.data(), static_cast<int64_t>(i));
  Tensor& y = context.AllocateOutput(0, dims);
  const std::vector<int64_t> dense_x = DenseStrides(x.dims());
  const std::vector<int64_t> dense_y = DenseStrides(dims);
  StridedView from;
  StridedView to;
  Dims split;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t extent = x.dims()[i];
    split.insert(split.end(), {extent == 0 ? 0 : dims[i] / extent, extent});
    from.strides.insert(from.strides.end(), {0, dense_x[i]});
    to.strides.insert(to.strides.end(), {dense_y[i] * extent, dense_y[i]});
  }
  CopyStrided(x.dtype(), x.data(), from, y.data(), to, split);
  return Status::Ok();
}

}  // namespace

OpDef MakeTile() {
  OpDef op;
  op.name = "Tile";
  op.group = "shape";
  op.summary = "Repeats x whole, repeats[i] times along axis i.";
  op.inputs = {{"x", kAnyType, "any shape"}, {"repeats", kIndices, "[rank of x]"}};
  op.outputs = {{"y", kAnyType, "extents of x times repeats"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"both",
         {{.dims = {2, 5}}, {.dtype = DType::kI64, .dims = {2}, .values = {3, 2}, .is_constant = true}},
         {}}};
  };
  op.foreign = {{Format::kOnnx, "Tile", 6}, {Format::kTensorflow, "Tile"}, {Format::kTflite, "TILE"}};
  return op;
}

}  // namespace slipway
