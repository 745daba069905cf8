// Removes axes of extent 1.
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
  std::vector<bool> is_dropped(shape.size(), false);
  for (int64_t axis : *axes) {
    SLIPWAY_ASSIGN_OR_RETURN(int at, NormalizeAxis(context, axis, static_cast<int>(shape.size())));
    const Dim& dim = shape[static_cast<size_t>(at)];
    if (dim.IsKnown() && dim.value() != 1) {
      return context.Error("axis " + std::to_string(at) + " of " + ToString(shape) + " is not 1");
    }
    is_dropped[static_cast<size_t>(at)] = true;
  }
  DimList result;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (axes->empty()) {
      if (!shape[i].IsKnown()) {
        context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
        return Status::Ok();
      }
      is_dropped[i] = shape[i].value() == 1;
    }
    if (!is_dropped[i]) result.push_back(shape[i]);
  }
  context.SetOutput(0, context.dtype(0), std::move(result));
  if (auto content = context.content(0)) context.SetContent(0, std::move(*content));
  return Status::Ok();
}

Status ImportWithAttribute(ImportContext& context) {
  for (const char* name : {"axes", "squeeze_dims"}) {
    const Ints& axes = context.attrs().IntList(name);
    if (axes.empty()) continue;
    return context.Emit("Squeeze", {context.in(0), context.ConstInts(axes)});
  }
  return context.Emit("Squeeze", {context.in(0)});
}

}  // namespace

OpDef MakeSqueeze() {
  OpDef op;
  op.name = "Squeeze";
  op.group = "shape";
  op.summary = "Removes axes of extent 1: the given ones, or all.";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"axes", kIndices, "[n]; none: every axis of extent 1", Arity::kOptional}};
  op.outputs = {{"y", kAnyType, "x without those axes"}};
  op.infer = Infer;
  op.reference = RunMove;
  op.cases = [] { return std::vector<TestCase>{{"all", {{.dims = {1, 3, 1, 5}}}, {}}}; };
  op.foreign = {{Format::kOnnx, "Squeeze", 13},
                {Format::kOnnx, "Squeeze", 1, 12, ImportWithAttribute},
                {Format::kTensorflow, "Squeeze", 1, INT_MAX, ImportWithAttribute},
                {Format::kTflite, "SQUEEZE", 1, INT_MAX, ImportWithAttribute}};
  return op;
}

}  // namespace slipway
