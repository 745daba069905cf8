#include "ops/reduce/arg_reduce.h"

#include "base/scalar.h"
#include "ops/infer.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const DType dtype = context.attrs().Type("dtype");
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(dtype));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(
      int axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(shape.size())));
  if (context.attrs().Int("keepdims") != 0) {
    shape[static_cast<size_t>(axis)] = 1;
  } else {
    shape.erase(shape.begin() + axis);
  }
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

// TensorFlow and TFLite: the axis is an input and disappears.
Status ImportAxisInput(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Ints axis, context.ConstantInts(1));
  if (axis.size() != 1) return context.Error("the axis must be one number");
  DType dtype = context.attrs().Type("output_type");
  if (dtype == DType::kNone) dtype = context.node().outputs[0].type.dtype;
  if (dtype == DType::kNone) dtype = DType::kI64;
  return context.Emit(context.op().name, {context.in(0)},
                      {{"axis", axis[0]}, {"keepdims", int64_t{0}}, {"dtype", dtype}});
}

}  // namespace

OpDef ArgReduceOp(const std::string& name, const std::string& tflite) {
  OpDef op;
  op.name = name;
  op.group = "reduce";
  op.inputs = {{"x", kNumbers, "any shape"}};
  op.outputs = {{"y", kIndices, "x without the axis, or with 1 in its place"}};
  op.attrs = {IntAttr("axis", 0, "negative counts from the end"),
              IntAttr("keepdims", 1, "1: the axis stays with extent 1"),
              IntAttr("select_last_index", 0, "1: the last of equals"),
              DTypeAttr("dtype", DType::kI64, "i32 or i64")};
  op.infer = Infer;
  op.cases = [] {
    return std::vector<TestCase>{
        {"last", {{.dims = {3, 37}}}, {{"axis", int64_t{-1}}}},
        {"middle", {{.dims = {2, 5, 7}}}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}}}};
  };
  op.foreign = {{Format::kOnnx, name},
                {Format::kTensorflow, name, 1, INT_MAX, ImportAxisInput},
                {Format::kTflite, tflite, 1, INT_MAX, ImportAxisInput}};
  return op;
}

Status RunArgReduce(RunContext& context, bool (*is_better)(double, double)) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const int64_t attr = context.attrs().Int("axis");
  const auto axis = static_cast<size_t>(attr < 0 ? attr + x.rank() : attr);
  const bool takes_last = context.attrs().Int("select_last_index") != 0;
  int64_t outer = 1, inner = 1;
  for (size_t i = 0; i < x.dims().size(); ++i) {
    if (i < axis) outer *= x.dims()[i];
    if (i > axis) inner *= x.dims()[i];
  }
  const int64_t extent = x.dims()[axis];
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t k = 0; k < inner; ++k) {
      const auto value = [&](int64_t i) {
        return LoadReal(x.dtype(), x.data(), (o * extent + i) * inner + k);
      };
      int64_t best = 0;
      for (int64_t i = 1; i < extent; ++i) {
        const bool is_equal = takes_last && value(i) == value(best);
        if (is_better(value(i), value(best)) || is_equal) best = i;
      }
      StoreInt(y.dtype(), y.data(), o * inner + k, best);
    }
  }
  return Status::Ok();
}

}  // namespace slipway
