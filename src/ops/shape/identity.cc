// The same value under another name. Dropout for inference and its like become this at import.
#include <algorithm>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  if (auto content = context.content(0)) context.SetContent(0, std::move(*content));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  if (context.in_datum(0).kind != TypeKind::kTensor) {
    context.SetOutput(0, context.in_datum(0));
    return Status::Ok();
  }
  const Tensor& x = context.in(0);
  Tensor& y = context.AllocateOutput(0, x.dims());
  if (x.dtype() == DType::kString) {
    for (int64_t i = 0; i < x.count(); ++i) y.as<std::string>()[i] = x.as<std::string>()[i];
  } else if (x.size_bytes() > 0) {
    std::copy_n(x.as<char>(), x.size_bytes(), y.as<char>());
  }
  return Status::Ok();
}

Status ImportEach(ImportContext& context) {
  const size_t count = std::min(context.num_inputs(), context.node().outputs.size());
  for (size_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId same, context.Add("Identity", {context.in(i)}));
    context.Bind(i, same);
  }
  return Status::Ok();
}

Status ImportFirst(ImportContext& context) { return context.Emit("Identity", {context.in(0)}); }

}  // namespace

OpDef MakeIdentity() {
  OpDef op;
  op.name = "Identity";
  op.group = "shape";
  op.summary = "The same value under another name.";
  op.formula = "y = x";
  op.inputs = {{"x", kAnyType, "any tensor, sequence or optional"}};
  op.outputs = {{"y", kAnyType, "x"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] { return std::vector<TestCase>{{"matrix", {{.dims = {3, 5}}}, {}}}; };
  op.foreign = {{Format::kOnnx, "Identity"},
                {Format::kTensorflow, "Identity", 1, INT_MAX, ImportFirst},
                {Format::kTensorflow, "IdentityN", 1, INT_MAX, ImportEach},
                {Format::kTensorflow, "EnsureShape", 1, INT_MAX, ImportFirst},
                {Format::kTensorflow, "PreventGradient", 1, INT_MAX, ImportFirst},
                {Format::kTensorflow, "StopGradient", 1, INT_MAX, ImportFirst},
                {Format::kTensorflow, "CheckNumerics", 1, INT_MAX, ImportFirst},
                {Format::kTensorflow, "PlaceholderWithDefault", 1, INT_MAX, ImportFirst},
                {Format::kTensorflow, "ReadVariableOp", 1, INT_MAX, ImportFirst},
                {Format::kTensorflow, "Snapshot", 1, INT_MAX, ImportFirst}};
  return op;
}

}  // namespace slipway
