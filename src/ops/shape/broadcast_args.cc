// The shape that two shapes broadcast to.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.dtype(0), {Dim()});
  const auto a = context.content(0);
  const auto b = context.content(1);
  if (a && b) {
    SLIPWAY_ASSIGN_OR_RETURN(DimList shape, BroadcastShapes(context, {&*a, &*b}));
    context.SetOutput(0, context.dtype(0), {static_cast<int64_t>(shape.size())});
    context.SetContent(0, std::move(shape));
    return Status::Ok();
  }
  const auto rank_of = [&](size_t i) {
    const auto& shape = context.shape(i);
    return shape && shape->size() == 1 ? (*shape)[0] : Dim();
  };
  if (rank_of(0).IsKnown() && rank_of(1).IsKnown())
    context.SetOutput(0, context.dtype(0), {std::max(rank_of(0).value(), rank_of(1).value())});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const std::vector<int64_t> a = IntsOf(context.in(0));
  const std::vector<int64_t> b = IntsOf(context.in(1));
  const size_t rank = std::max(a.size(), b.size());
  Tensor& y = context.AllocateOutput(0, {static_cast<int64_t>(rank)});
  for (size_t i = 0; i < rank; ++i) {  // from the end
    const int64_t from_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t from_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1)
      return context.Error("shapes " + ToString(a) + " and " + ToString(b) + " do not broadcast");
    StoreInt(y.dtype(), y.data(), static_cast<int64_t>(rank - 1 - i), from_a == 1 ? from_b : from_a);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeBroadcastArgs() {
  OpDef op;
  op.name = "BroadcastArgs";
  op.group = "shape";
  op.summary = "The shape that two shapes broadcast to.";
  op.inputs = {{"a", kIndices, "[n]: a shape"}, {"b", kIndices, "[m]: a shape"}};
  op.outputs = {{"y", kIndices, "[max(n,m)]"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"ones",
                                  {{.dtype = DType::kI32, .dims = {3}, .values = {4, 1, 5}},
                                   {.dtype = DType::kI32, .dims = {2}, .values = {3, 1}}},
                                  {}}};
  };
  op.foreign = {{Format::kTflite, "BROADCAST_ARGS"}, {Format::kTensorflow, "BroadcastArgs"}};
  return op;
}

}  // namespace slipway
