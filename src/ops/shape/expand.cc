// Broadcasting to a shape.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/math/elementwise.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto target = context.content(1);
  if (!target || !context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, BroadcastShapes(context, {&*context.shape(0), &*target}));
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Dims shapes[] = {x.dims()};
  ForEachBroadcast(y.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    CopyElement(x.dtype(), x.data(), at[0], y.data(), i);
  });
  return Status::Ok();
}

}  // namespace

OpDef MakeExpand() {
  OpDef op;
  op.name = "Expand";
  op.group = "shape";
  op.summary = "x broadcast with a shape, as numpy does.";
  op.inputs = {{"x", kAnyType, "any shape"}, {"shape", kIndices, "[n]; broadcasts with x's"}};
  op.outputs = {{"y", kAnyType, "the broadcast shape"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"rows",
         {{.dims = {3, 1}}, {.dtype = DType::kI64, .dims = {3}, .values = {2, 1, 6}, .is_constant = true}},
         {}}};
  };
  op.foreign = {
      {Format::kOnnx, "Expand", 8}, {Format::kTensorflow, "BroadcastTo"}, {Format::kTflite, "BROADCAST_TO"}};
  return op;
}

}  // namespace slipway
