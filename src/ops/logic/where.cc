// Element-wise choice between two tensors.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.dtype(1) != context.dtype(2)) return context.Error("x and y must be of one type");
  SLIPWAY_RETURN_IF_ERROR(InferBroadcastBool(context));
  Type type = context.output(0).type;
  type.dtype = context.dtype(1);
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& condition = context.in(0);
  Tensor& out = context.out(0);
  const Dims shapes[] = {condition.dims(), context.in(1).dims(), context.in(2).dims()};
  ForEachBroadcast(out.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const size_t chosen = condition.as<uint8_t>()[at[0]] ? 1 : 2;
    CopyElement(out.dtype(), context.in(chosen).data(), at[chosen], out.data(), i);
  });
  return Status::Ok();
}

// TF1's Select and TFLite's SELECT: a condition of rank 1 chooses whole rows.
Status ImportSelect(ImportContext& context) {
  const Type& condition = context.type(context.in(0));
  const Type& x = context.type(context.in(1));
  if (!condition.HasRank() || !x.HasRank() || condition.rank() != 1 || x.rank() <= 1)
    return context.EmitSame();
  Ints shape(static_cast<size_t>(x.rank()), 1);
  shape[0] = -1;
  SLIPWAY_ASSIGN_OR_RETURN(ValueId column, context.Add("Reshape", {context.in(0), context.ConstInts(shape)}));
  return context.Emit("Where", {column, context.in(1), context.in(2)});
}

}  // namespace

OpDef MakeWhere() {
  OpDef op;
  op.name = "Where";
  op.group = "logic";
  op.summary = "Element-wise choice under numpy broadcasting.";
  op.formula = "out = condition ? x : y";
  op.inputs = {{"condition", kBools, "broadcasts with x and y"},
               {"x", kAnyType, "taken where true"},
               {"y", kAnyType, "taken where false; of x's type"}};
  op.outputs = {{"out", kAnyType, "the broadcast shape"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"rows",
                                  {{.dtype = DType::kBool, .dims = {3, 1}, .low = 0, .high = 1.99},
                                   {.dtype = DType::kF32, .dims = {3, 17}},
                                   {.dtype = DType::kF32, .dims = {17}}},
                                  {}}};
  };
  op.foreign = {{Format::kOnnx, "Where", 9},
                {Format::kTensorflow, "Select", 1, INT_MAX, ImportSelect},
                {Format::kTensorflow, "SelectV2"},
                {Format::kTflite, "SELECT", 1, INT_MAX, ImportSelect},
                {Format::kTflite, "SELECT_V2"}};
  return op;
}

}  // namespace slipway
