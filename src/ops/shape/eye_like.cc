// A matrix with ones on a diagonal.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/onnx_dtype.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.shape(0) && context.shape(0)->size() != 2) return context.Error("x must have rank 2");
  Type type = context.input(0);
  type.dtype = context.attrs().Type("dtype", context.dtype(0));
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  Tensor& y = context.out(0);
  const int64_t k = context.attrs().Int("k");
  for (int64_t i = 0; i < y.count(); ++i) {
    StoreInt(y.dtype(), y.data(), i, i % y.dim(1) - i / y.dim(1) == k ? 1 : 0);
  }
  return Status::Ok();
}

Status ImportOnnx(ImportContext& context) {
  Attrs attrs = {{"k", context.attrs().Int("k")}};
  if (context.attrs().Has("dtype")) {
    const auto dtype = DTypeFromOnnx(context.attrs().Int("dtype"));
    if (!dtype) return context.Error("dtype " + std::to_string(context.attrs().Int("dtype")) + " is unknown");
    attrs.Set("dtype", *dtype);
  }
  return context.Emit("EyeLike", {context.in(0)}, std::move(attrs));
}

}  // namespace

OpDef MakeEyeLike() {
  OpDef op;
  op.name = "EyeLike";
  op.group = "shape";
  op.summary = "Ones on the k-th diagonal, zeros elsewhere, in the shape of x.";
  op.inputs = {{"x", kNumbers | kBools, "[rows,columns]"}};
  op.outputs = {{"y", kNumbers | kBools, "the shape of x"}};
  op.attrs = {DTypeAttr("dtype", DType::kNone, "type of the result; left out: that of x"),
              IntAttr("k", 0, "positive: above the main diagonal")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] { return std::vector<TestCase>{{"above", {{.dims = {4, 5}}}, {{"k", int64_t{1}}}}}; };
  op.foreign = {{Format::kOnnx, "EyeLike", 1, INT_MAX, ImportOnnx}};
  return op;
}

}  // namespace slipway
