// Conversion of element types.
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/onnx_dtype.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Type type = context.input(0);
  type.dtype = context.attrs().Type("to");
  context.SetOutput(0, std::move(type));
  if (IsInteger(context.attrs().Type("to")) && BitsOf(context.attrs().Type("to")) >= 32) {
    if (auto content = context.content(0)) context.SetContent(0, std::move(*content));
  }
  return Status::Ok();
}

// As numpy prints them: integers plain, floats in the shortest form that reads back, "NaN", "INF".
std::string Print(const Tensor& x, int64_t i) {
  if (!IsFloat(x.dtype())) return std::to_string(LoadInt(x.dtype(), x.data(), i));
  const double value = LoadReal(x.dtype(), x.data(), i);
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-INF" : "INF";
  char text[64];
  const auto end = x.dtype() == DType::kF64
                       ? std::to_chars(text, text + sizeof(text), value)
                       : std::to_chars(text, text + sizeof(text), static_cast<float>(value));
  return std::string(text, end.ptr);
}

void StoreNumber(Tensor& y, int64_t i, double value, Overflow overflow) {
  const DType to = y.dtype();
  const bool is_f8 = BitsOf(to) == 8 && IsFloat(to);
  if (is_f8) {
    y.as<uint8_t>()[i] = EncodeSmallFloat(to, value, overflow);
  } else {
    StoreReal(to, y.data(), i, value);
  }
}

// Truncated and clamped to what the type holds; NaN gives the most.
void StoreClamped(Tensor& y, int64_t i, double value) {
  const DType to = y.dtype();
  const bool is_u64 = to == DType::kU64;
  const double most = is_u64 ? std::ldexp(1.0, 64) : static_cast<double>(MaxOfInteger(to));
  if (std::isnan(value) || value >= most) return StoreInt(to, y.data(), i, is_u64 ? -1 : MaxOfInteger(to));
  if (value <= static_cast<double>(MinOfInteger(to))) return StoreInt(to, y.data(), i, MinOfInteger(to));
  StoreReal(to, y.data(), i, value);
}

// ONNX: f8e8m0 has three rounding modes for values between powers of two.
void StoreE8M0(Tensor& y, int64_t i, double value, const std::string& mode) {
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
  if (std::isnan(value) || std::isinf(value) || value == 0) {
    y.as<uint8_t>()[i] = EncodeSmallFloat(DType::kF8E8M0, value, Overflow::kSaturate);
    return;
  }
  int power = exponent - 1;
  const double mantissa = fraction * 2;  // in [1, 2)
  if (mode == "up" && mantissa > 1) ++power;
  if (mode == "nearest" && mantissa >= 1.5) ++power;
  y.as<uint8_t>()[i] = static_cast<uint8_t>(std::min(std::max(power + 127, 0), 254));
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Overflow overflow =
      context.attrs().Int("saturate") != 0 ? Overflow::kSaturate : Overflow::kToInfinity;
  const int64_t count = x.count();
  const bool is_clamped = context.attrs().String("out_of_range") == "clamp" && IsFloat(x.dtype()) &&
                          IsInteger(y.dtype()) && y.dtype() != DType::kBool;
  const bool is_integer_to_integer = !IsFloat(x.dtype()) && !IsComplex(x.dtype()) && !IsFloat(y.dtype());
  for (int64_t i = 0; i < count; ++i) {
    if (x.dtype() == DType::kString) {
      if (y.dtype() == DType::kString) {
        CopyElement(y.dtype(), x.data(), i, y.data(), i);
        continue;
      }
      const std::string& text = x.as<std::string>()[i];
      char* end = nullptr;
      const double value = std::strtod(text.c_str(), &end);
      if (end == text.c_str()) return context.Error("'" + text + "' is not a number");
      StoreNumber(y, i, value, overflow);
    } else if (y.dtype() == DType::kString) {
      y.as<std::string>()[i] = Print(x, i);
    } else if (is_integer_to_integer) {
      StoreInt(y.dtype(), y.data(), i, LoadInt(x.dtype(), x.data(), i));
    } else if (is_clamped) {
      StoreClamped(y, i, LoadReal(x.dtype(), x.data(), i));
    } else if (y.dtype() == DType::kF8E8M0) {
      StoreE8M0(y, i, LoadReal(x.dtype(), x.data(), i), context.attrs().String("round_mode"));
    } else {
      StoreNumber(y, i, LoadReal(x.dtype(), x.data(), i), overflow);
    }
  }
  return Status::Ok();
}

Status ImportOnnx(ImportContext& context) {
  const auto to = DTypeFromOnnx(context.attrs().Int("to"));
  if (!to) return context.Unsupported("cast to ONNX type " + std::to_string(context.attrs().Int("to")));
  Attrs attrs = {{"to", *to}, {"saturate", context.attrs().Int("saturate", 1)}};
  if (context.attrs().Has("round_mode")) attrs.Set("round_mode", context.attrs().String("round_mode"));
  return context.Emit("Cast", {context.in(0)}, std::move(attrs));
}

Status ImportOnnxLike(ImportContext& context) {
  const DType to = context.type(context.in(1)).dtype;
  if (to == DType::kNone) return context.Unsupported("the type of input 1 is not known");
  return context.Emit("Cast", {context.in(0)},
                      {{"to", to}, {"saturate", context.attrs().Int("saturate", 1)}});
}

Status ImportTensorflow(ImportContext& context) {
  return context.Emit("Cast", {context.in(0)}, {{"to", context.attrs().Type("DstT")}});
}

// TFLite states the type of the result on the result. Its floats become the nearest integer that there is.
Status ImportTflite(ImportContext& context) {
  return context.Emit("Cast", {context.in(0)},
                      {{"to", context.node().outputs[0].type.dtype}, {"out_of_range", std::string("clamp")}});
}

}  // namespace

OpDef MakeCast() {
  OpDef op;
  op.name = "Cast";
  op.group = "math";
  op.summary =
      "Converts the element type: floats to integers truncate, integers wrap, numbers to strings as numpy "
      "prints them.";
  op.inputs = {{"x", kAnyType, "any shape"}};
  op.outputs = {{"y", kAnyType, "the shape of x"}};
  op.attrs = {
      Required(DTypeAttr("to", DType::kNone, "the new type")),
      StringAttr("out_of_range", "wrap", {"wrap", "clamp"},
                 "floats to integers: wrap around, or give the least or most (NaN: the most)"),
      IntAttr("saturate", 1, "8-bit floats: 1 clamps what is out of range, 0 makes it infinite or NaN"),
      StringAttr("round_mode", "up", {"up", "down", "nearest"}, "f8e8m0 only: which power of two")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (DType to :
         {DType::kF32, DType::kI32, DType::kI64, DType::kU8, DType::kI8, DType::kBool, DType::kF16}) {
      cases.push_back(
          {"f32_to_" + std::string(DTypeName(to)), {{.dims = {3, 21}, .low = 0, .high = 100}}, {{"to", to}}});
    }
    for (DType to : {DType::kI8, DType::kU8, DType::kI32, DType::kU32, DType::kI64, DType::kU64}) {
      cases.push_back({"clamped_to_" + std::string(DTypeName(to)),
                       {{.dims = {5}, .values = {-1e20, -300, -0.5, 300.7, 1e20}}},
                       {{"to", to}, {"out_of_range", std::string("clamp")}}});
    }
    cases.push_back(
        {"u8_to_f32", {{.dtype = DType::kU8, .dims = {67}, .low = 0, .high = 255}}, {{"to", DType::kF32}}});
    return cases;
  };
  op.foreign = {{Format::kOnnx, "Cast", 6, INT_MAX, ImportOnnx},
                {Format::kOnnx, "CastLike", 15, INT_MAX, ImportOnnxLike},
                {Format::kTensorflow, "Cast", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "CAST", 1, INT_MAX, ImportTflite}};
  return op;
}

}  // namespace slipway
