// The number of elements of a tensor.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.attrs().Type("dtype"), {});
  if (!context.shape(0)) return Status::Ok();
  Dim count = 1;
  for (const Dim& dim : *context.shape(0)) count = count * dim;
  context.SetContent(0, {count});
  return Status::Ok();
}

Status ImportOutType(ImportContext& context) {
  return context.Emit("Size", {context.in(0)}, {{"dtype", context.attrs().Type("out_type", DType::kI32)}});
}

// Rank: as many as the shape has extents.
Status ImportRank(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shape, context.Add("Shape", {context.in(0)}));
  return context.Emit("Size", {shape}, {{"dtype", DType::kI32}});
}

}  // namespace

OpDef MakeSize() {
  OpDef op;
  op.name = "Size";
  op.group = "shape";
  op.summary = "The number of elements of x.";
  op.inputs = {{"x", kAnyType, "any shape"}};
  op.outputs = {{"size", kIndices, "scalar"}};
  op.attrs = {DTypeAttr("dtype", DType::kI64, "i32 or i64")};
  op.infer = Infer;
  op.reference = [](RunContext& context) {
    StoreInt(context.out(0).dtype(), context.out(0).data(), 0, context.in(0).count());
    return Status::Ok();
  };
  op.cases = [] { return std::vector<TestCase>{{"rank2", {{.dims = {3, 5}}}, {}}}; };
  op.foreign = {{Format::kOnnx, "Size"},
                {Format::kTensorflow, "Size", 1, INT_MAX, ImportOutType},
                {Format::kTensorflow, "Rank", 1, INT_MAX, ImportRank},
                {Format::kTflite, "RANK", 1, INT_MAX, ImportRank}};
  return op;
}

}  // namespace slipway
