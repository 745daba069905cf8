// The extents of a tensor as a tensor.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

struct Range {
  int64_t begin;
  int64_t end;
};

Range Slice(const Attrs& attrs, int64_t rank) {
  const auto clamp = [rank](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t begin = clamp(attrs.Int("start"));
  const int64_t end = attrs.Int("end") == INT64_MAX ? rank : clamp(attrs.Int("end"));
  return {begin, std::max(begin, end)};
}

Status Infer(InferContext& context) {
  const DType dtype = context.attrs().Type("dtype");
  if (!context.shape(0)) {
    context.SetOutput(0, dtype, {Dim()});
    return Status::Ok();
  }
  const DimList& shape = *context.shape(0);
  const Range range = Slice(context.attrs(), static_cast<int64_t>(shape.size()));
  context.SetOutput(0, dtype, {range.end - range.begin});
  context.SetContent(0, Content(shape.begin() + range.begin, shape.begin() + range.end));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Range range = Slice(context.attrs(), x.rank());
  Tensor& y = context.AllocateOutput(0, {range.end - range.begin});
  for (int64_t i = range.begin; i < range.end; ++i) {
    StoreInt(y.dtype(), y.data(), i - range.begin, x.dims()[static_cast<size_t>(i)]);
  }
  return Status::Ok();
}

Status ImportOutType(ImportContext& context) {
  const DType dtype = context.attrs().Type("out_type", DType::kI32);
  return context.Emit("Shape", {context.in(0)}, {{"dtype", dtype}});
}

Status ImportShapeN(ImportContext& context) {
  const DType dtype = context.attrs().Type("out_type", DType::kI32);
  const size_t count = std::min(context.num_inputs(), context.node().outputs.size());
  for (size_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId shape, context.Add("Shape", {context.in(i)}, {{"dtype", dtype}}));
    context.Bind(i, shape);
  }
  return Status::Ok();
}

Status ImportTflite(ImportContext& context) {
  const bool is_wide = context.attrs().Type("out_type") == DType::kI64;
  return context.Emit("Shape", {context.in(0)}, {{"dtype", is_wide ? DType::kI64 : DType::kI32}});
}

}  // namespace

OpDef MakeShape() {
  OpDef op;
  op.name = "Shape";
  op.group = "shape";
  op.summary = "The extents of x, or those from axis start to before axis end.";
  op.inputs = {{"x", kAnyType, "any shape"}};
  op.outputs = {{"shape", kIndices, "[rank of x]"}};
  op.attrs = {IntAttr("start", 0, "first axis; negative counts from the end"),
              IntAttr("end", INT64_MAX, "axis after the last; negative counts from the end"),
              DTypeAttr("dtype", DType::kI64, "i32 or i64")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] { return std::vector<TestCase>{{"rank3", {{.dims = {3, 5, 2}}}, {}}}; };
  op.foreign = {{Format::kOnnx, "Shape"},
                {Format::kTensorflow, "Shape", 1, INT_MAX, ImportOutType},
                {Format::kTensorflow, "ShapeN", 1, INT_MAX, ImportShapeN},
                {Format::kTflite, "SHAPE", 1, INT_MAX, ImportTflite}};
  return op;
}

}  // namespace slipway
