// Crops or pads axes about their middle.
#include <algorithm>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

// axes[i]: the axis that shape[i] speaks of.
Ints AxesFor(const Attrs& attrs, int64_t rank) {
  Ints axes = attrs.IntList("axes");
  if (axes.empty()) {
    for (int64_t i = 0; i < rank; ++i) axes.push_back(i);
  }
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  return axes;
}

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  const auto target = context.content(1);
  const Ints axes = AxesFor(context.attrs(), static_cast<int64_t>(shape.size()));
  if (target && target->size() != axes.size()) {
    return context.Error("shape has " + std::to_string(target->size()) + " entries for " +
                         std::to_string(axes.size()) + " axes");
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context, axes[i], static_cast<int>(shape.size())));
    if (target && (*target)[i].IsKnown() && (*target)[i].value() < 0)
      return context.Error("shape has a negative extent");
    shape[static_cast<size_t>(axis)] = target ? (*target)[i] : Dim();
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& target = context.in(1);
  Dims dims = x.dims();
  const Ints axes = AxesFor(context.attrs(), x.rank());
  for (size_t i = 0; i < axes.size(); ++i) {
    dims[static_cast<size_t>(axes[i])] = LoadInt(target.dtype(), target.data(), static_cast<int64_t>(i));
  }
  Tensor& y = context.AllocateOutput(0, dims);
  for (int64_t i = 0; i < y.count() && y.dtype() != DType::kString; ++i) StoreInt(y.dtype(), y.data(), i, 0);
  StridedView from{0, DenseStrides(x.dims())};
  StridedView to{0, DenseStrides(dims)};
  Dims common = dims;
  for (size_t i = 0; i < dims.size(); ++i) {
    common[i] = std::min(dims[i], x.dims()[i]);
    from.offset += (x.dims()[i] - common[i]) / 2 * from.strides[i];
    to.offset += (dims[i] - common[i]) / 2 * to.strides[i];
  }
  CopyStrided(x.dtype(), x.data(), from, y.data(), to, common);
  return Status::Ok();
}

}  // namespace

OpDef MakeCenterCropPad() {
  OpDef op;
  op.name = "CenterCropPad";
  op.group = "shape";
  op.summary = "Crops axes that are too long and pads those too short with 0, about their middle.";
  op.inputs = {{"x", kAnyType, "any shape"}, {"shape", kIndices, "[n], extents wanted"}};
  op.outputs = {{"y", kAnyType, "x with those extents"}};
  op.attrs = {IntsAttr("axes", {}, "which axes; none: all")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"both",
         {{.dims = {5, 4, 2}}, {.dtype = DType::kI64, .dims = {2}, .values = {3, 7}, .is_constant = true}},
         {{"axes", Ints{0, 1}}}}};
  };
  op.foreign = {{Format::kOnnx, "CenterCropPad"}};
  return op;
}

}  // namespace slipway
