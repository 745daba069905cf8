// The same bits read as another type.
#include <algorithm>
#include <cstring>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/onnx_dtype.h"
#include "ops/run.h"

namespace slipway {
namespace {

// Where the types are of one width, the shape stays. A narrower type has an axis more, of as many elements as
// one of x holds; a wider one needs such an axis of x, and has it no more.
Status Infer(InferContext& context) {
  const DType from = context.dtype(0);
  const DType to = context.attrs().Type("to");
  Type type = context.input(0);
  type.dtype = to;
  const int old_bits = from == DType::kNone ? 0 : BitsOf(from);
  const int bits = BitsOf(to);
  if (old_bits == bits || old_bits == 0 || !type.shape) {
    if (old_bits != bits) type.shape.reset();
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  }
  DimList& shape = *type.shape;
  const int ratio = std::max(bits, old_bits) / std::min(bits, old_bits);
  if (std::min(bits, old_bits) < 8)
    return context.Error("cannot read the bits of " + std::string(DTypeName(from)) + " as " +
                         std::string(DTypeName(to)) + ": their widths differ");
  if (bits < old_bits) {
    shape.emplace_back(ratio);
  } else if (shape.empty() || (shape.back().IsKnown() && shape.back().value() != ratio)) {
    return context.Error("cannot read the bits of " + ToString(context.input(0)) + " as " +
                         std::string(DTypeName(to)) + ": the last axis must have " + std::to_string(ratio) +
                         " elements");
  } else {
    shape.pop_back();
  }
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
  op.summary =
      "The same bits read as another type; a narrower or wider one splits elements or joins the last axis.";
  op.inputs = {{"x", kFixedWidth, "any shape"}};
  op.outputs = {
      {"y", kFixedWidth, "the shape of x, with an axis more or less at its end where the widths differ"}};
  op.attrs = {Required(DTypeAttr("to", DType::kNone, "the new type"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"f32_to_i32", {{.dims = {3, 21}}}, {{"to", DType::kI32}}},
                                 {"f32_to_u8", {{.dims = {3, 5}}}, {{"to", DType::kU8}}},
                                 {"i16_to_i64",
                                  {{.dtype = DType::kI16, .dims = {3, 4}, .low = -99, .high = 99}},
                                  {{"to", DType::kI64}}}};
  };
  op.foreign = {{Format::kOnnx, "BitCast", 26, INT_MAX, ImportOnnx},
                {Format::kTensorflow, "Bitcast", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "BITCAST", 1, INT_MAX, ImportTensorflow}};
  return op;
}

}  // namespace slipway
