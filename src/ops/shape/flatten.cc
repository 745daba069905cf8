// Two axes out of many.
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/shape/move.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, context.dtype(0), {Dim(), Dim()});
    return Status::Ok();
  }
  const DimList& shape = *context.shape(0);
  const auto rank = static_cast<int64_t>(shape.size());
  int64_t axis = context.attrs().Int("axis");
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) {
    return context.Error("axis " + std::to_string(context.attrs().Int("axis")) + " is outside rank " +
                         std::to_string(rank));
  }
  Dim rows = 1;
  Dim columns = 1;
  for (int64_t i = 0; i < rank; ++i) {
    Dim& side = i < axis ? rows : columns;
    side = side * shape[static_cast<size_t>(i)];
  }
  context.SetOutput(0, context.dtype(0), {rows, columns});
  return Status::Ok();
}

}  // namespace

OpDef MakeFlatten() {
  OpDef op;
  op.name = "Flatten";
  op.group = "shape";
  op.summary = "A matrix: the axes before `axis` become rows, the others columns.";
  op.inputs = {{"x", kAnyType, "any shape"}};
  op.outputs = {{"y", kAnyType, "[product of the first axes, product of the rest]"}};
  op.attrs = {IntAttr("axis", 1, "first axis of the columns; negative counts from the end")};
  op.infer = Infer;
  op.reference = RunMove;
  op.cases = [] { return std::vector<TestCase>{{"image", {{.dims = {2, 3, 4, 5}}}, {}}}; };
  op.foreign = {{Format::kOnnx, "Flatten"}};
  return op;
}

}  // namespace slipway
