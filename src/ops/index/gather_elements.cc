// Single elements along an axis, picked by an index each.
#include "ops/index/indices.h"
#include "ops/infer.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.shape(0) && context.shape(1)) {
    if (context.shape(0)->size() != context.shape(1)->size()) {
      return context.Error("x is " + ToString(*context.shape(0)) + ", indices are " +
                           ToString(*context.shape(1)) + ": their ranks must agree");
    }
    SLIPWAY_RETURN_IF_ERROR(
        NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(context.shape(0)->size()))
            .status());
    for (size_t i = 0; i < context.shape(0)->size(); ++i) {
      const auto axis = context.attrs().Int("axis");
      const bool is_axis = static_cast<int64_t>(i) ==
                           (axis < 0 ? axis + static_cast<int64_t>(context.shape(0)->size()) : axis);
      const Dim& from = (*context.shape(0))[i];
      const Dim& to = (*context.shape(1))[i];
      if (!is_axis && from.IsKnown() && to.IsKnown() && to.value() > from.value()) {
        return context.Error("indices " + ToString(*context.shape(1)) + " reach beyond x " +
                             ToString(*context.shape(0)));
      }
    }
  }
  Type type = context.input(1);
  type.dtype = context.dtype(0);
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& indices = context.in(1);
  Tensor& y = context.out(0);
  const size_t axis = AxisOf(context, x.rank());
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  Dims at(indices.dims().size(), 0);
  const int64_t count = indices.count();
  for (int64_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t pick, IndexAt(context, indices, i, x.dims()[axis]));
    int64_t from = pick * strides[axis];
    for (size_t k = 0; k < at.size(); ++k) from += k == axis ? 0 : at[k] * strides[k];
    CopyElement(x.dtype(), x.data(), from, y.data(), i);
    for (size_t k = at.size(); k-- > 0;) {
      if (++at[k] < indices.dims()[k]) break;
      at[k] = 0;
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeGatherElements() {
  OpDef op;
  op.name = "GatherElements";
  op.group = "index";
  op.summary = "For each index, the element of x at the same place but for `axis`, where the index says.";
  op.formula = "y[i, j, k] = x[i, indices[i, j, k], k] for axis 1";
  op.inputs = {{"x", kAnyType, "rank 1 or more"},
               {"indices", kIndices, "the rank of x; negative counts from the end"}};
  op.outputs = {{"y", kAnyType, "the shape of indices"}};
  op.attrs = {IntAttr("axis", 0, "negative counts from the end")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"columns",
         {{.dims = {2, 3}}, {.dtype = DType::kI64, .dims = {2, 2}, .values = {0, -1, 1, 1}}},
         {{"axis", int64_t{1}}}}};
  };
  op.foreign = {{Format::kOnnx, "GatherElements"}};
  return op;
}

}  // namespace slipway
