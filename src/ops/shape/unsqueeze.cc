// Inserts axes of extent 1.
#include <algorithm>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/shape/move.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto axes = AxesOf(context, 1);
  if (!context.shape(0) || !axes) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const DimList& shape = *context.shape(0);
  const size_t rank = shape.size() + axes->size();
  std::vector<bool> is_new(rank, false);
  for (int64_t axis : *axes) {
    SLIPWAY_ASSIGN_OR_RETURN(int at, NormalizeAxis(context, axis, static_cast<int>(rank)));
    if (is_new[static_cast<size_t>(at)]) return context.Error("axes " + ToString(*axes) + " repeat an axis");
    is_new[static_cast<size_t>(at)] = true;
  }
  DimList result;
  size_t next = 0;
  for (size_t i = 0; i < rank; ++i) result.push_back(is_new[i] ? Dim(1) : shape[next++]);
  context.SetOutput(0, context.dtype(0), std::move(result));
  if (auto content = context.content(0)) context.SetContent(0, std::move(*content));
  return Status::Ok();
}

Status ImportOld(ImportContext& context) {
  return context.Emit("Unsqueeze", {context.in(0), context.ConstInts(context.attrs().IntList("axes"))});
}

// The axis is one number.
Status ImportExpandDims(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Ints axis, context.ConstantInts(1));
  return context.Emit("Unsqueeze", {context.in(0), context.ConstInts(axis)});
}

}  // namespace

OpDef MakeUnsqueeze() {
  OpDef op;
  op.name = "Unsqueeze";
  op.group = "shape";
  op.summary = "Inserts axes of extent 1 at the given places of the result.";
  op.inputs = {{"x", kAnyType, "any shape"}, {"axes", kIndices, "[n], places in the result"}};
  op.outputs = {{"y", kAnyType, "x with those axes"}};
  op.infer = Infer;
  op.reference = RunMove;
  op.cases = [] {
    return std::vector<TestCase>{
        {"outer",
         {{.dims = {3, 5}}, {.dtype = DType::kI64, .dims = {2}, .values = {0, -1}, .is_constant = true}},
         {}}};
  };
  op.foreign = {{Format::kOnnx, "Unsqueeze", 13},
                {Format::kOnnx, "Unsqueeze", 1, 12, ImportOld},
                {Format::kOnnx, "ExpandDims", 1, INT_MAX, ImportExpandDims, "com.microsoft"},
                {Format::kTensorflow, "ExpandDims", 1, INT_MAX, ImportExpandDims},
                {Format::kTflite, "EXPAND_DIMS", 1, INT_MAX, ImportExpandDims}};
  return op;
}

}  // namespace slipway
