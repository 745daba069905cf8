// The slices along an axis whose condition holds.
#include "ops/index/indices.h"
#include "ops/infer.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

constexpr int64_t kFlat = INT64_MIN;

Status Infer(InferContext& context) {
  const int64_t axis = context.attrs().Int("axis");
  if (axis == kFlat) {
    context.SetOutput(0, context.dtype(0), {Dim()});
    return Status::Ok();
  }
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(const int at, NormalizeAxis(context, axis, static_cast<int>(shape.size())));
  shape[static_cast<size_t>(at)] = Dim();
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const bool is_flat = context.attrs().Int("axis") == kFlat;
  const Tensor x = is_flat ? context.in(0).Reshaped({context.in(0).count()}) : context.in(0);
  const Tensor& condition = context.in(1);
  const size_t axis = is_flat ? 0 : AxisOf(context, x.rank());
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < condition.count(); ++i) {
    if (!condition.as<bool>()[i]) continue;
    if (i >= x.dims()[axis])
      return context.Error("the condition reaches beyond the axis of " + std::to_string(x.dims()[axis]));
    kept.push_back(i);
  }
  Dims dims = x.dims();
  dims[axis] = static_cast<int64_t>(kept.size());
  Tensor& y = context.AllocateOutput(0, dims);
  const std::vector<int64_t> from = DenseStrides(x.dims());
  const std::vector<int64_t> to = DenseStrides(dims);
  Dims slice = dims;
  slice[axis] = 1;
  for (size_t k = 0; k < kept.size(); ++k) {
    CopyStrided(x.dtype(), x.data(), {kept[k] * from[axis], from}, y.data(),
                {static_cast<int64_t>(k) * to[axis], to}, slice);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeCompress() {
  OpDef op;
  op.name = "Compress";
  op.group = "index";
  op.summary = "The slices of x along `axis` whose condition holds; without an axis, the elements.";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"condition", kBools, "[n], n at most the extent; what is beyond is dropped"}};
  op.outputs = {{"y", kAnyType, "x with fewer slices, or a vector"}};
  op.attrs = {
      IntAttr("axis", kFlat, "negative counts from the end; the lowest integer: x is flattened first")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput condition{.dtype = DType::kBool, .dims = {3}, .values = {1, 0, 1}};
    return std::vector<TestCase>{{"flat", {{.dims = {2, 3}}, condition}, {}},
                                 {"columns", {{.dims = {2, 3}}, condition}, {{"axis", int64_t{1}}}}};
  };
  op.foreign = {{Format::kOnnx, "Compress"}};
  return op;
}

}  // namespace slipway
