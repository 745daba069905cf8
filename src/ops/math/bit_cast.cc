// The same bits read as another type of the same width.
#include <cstring>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/onnx_dtype.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const DType from = context.dtype(0);
  const DType to = context.attrs().Type("to");
  if (from != DType::kNone && BitsOf(from) != BitsOf(to)) {
    return context.Error("cannot read the bits of " + std::string(DTypeName(from)) + " as " +
                         std::string(DTypeName(to)) + ": their widths differ");
  }
  Type type = context.input(0);
  type.dtype = to;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const auto bytes = static_cast<size_t>(context.in(0).size_bytes());
  if (bytes > 0) std::memcpy(context.out(0).data(), context.in(0).data(), bytes);
  return Status::Ok();
}

Status ImportOnnx(ImportContext& context) {
  const int64_t number = context.attrs().Int("to");
  const auto to = DTypeFromOnnx(number);
  if (!to) return context.Unsupported("ONNX type " + std::to_string(number));
  return context.Emit("BitCast", {context.in(0)}, {{"to", *to}});
}

// TensorFlow states the type as an attribute, TFLite on the result.
Status ImportTensorflow(ImportContext& context) {
  const DType declared = context.node().outputs[0].type.dtype;
  return context.Emit("BitCast", {context.in(0)}, {{"to", context.attrs().Type("type", declared)}});
}

constexpr DTypeSet kFixedWidth =
    kNumbers | kBools | kSmallFloats | kSubByteInts | DTypeSet{DType::kC64, DType::kC128};

}  // namespace

OpDef MakeBitCast() {
  OpDef op;
  op.name = "BitCast";
  op.group = "math";
  op.summary = "The same bits read as another type of the same width.";
  op.inputs = {{"x", kFixedWidth, "any shape"}};
  op.outputs = {{"y", kFixedWidth, "the shape of x"}};
  op.attrs = {Required(DTypeAttr("to", DType::kNone, "the new type, as wide as x's"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] { return std::vector<TestCase>{{"f32_to_i32", {{.dims = {3, 21}}}, {{"to", DType::kI32}}}}; };
  op.foreign = {{Format::kOnnx, "BitCast", 26, INT_MAX, ImportOnnx},
                {Format::kTensorflow, "Bitcast", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "BITCAST", 1, INT_MAX, ImportTensorflow}};
  return op;
}

}  // namespace slipway
