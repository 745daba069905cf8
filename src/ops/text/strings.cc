// Strings one by one, as TensorFlow's kernels have them: letters of ASCII, bytes, UTF-8 where it is said.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/math/elementwise.h"
#include "ops/run.h"
#include "ops/text/utf8.h"

namespace slipway {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
// As isspace of the C locale.
bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

template <char (*kLetter)(char)>
Status RunCase(RunContext& context) {
  const Tensor& x = context.in(0);
  for (int64_t i = 0; i < x.count(); ++i) {
    std::string text = x.as<std::string>()[i];
    std::transform(text.begin(), text.end(), text.begin(), kLetter);
    context.out(0).as<std::string>()[i] = std::move(text);
  }
  return Status::Ok();
}

Status RunStrip(RunContext& context) {
  const Tensor& x = context.in(0);
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string& text = x.as<std::string>()[i];
    const auto begin = std::find_if_not(text.begin(), text.end(), IsBlank);
    const auto end = std::find_if_not(text.rbegin(), std::make_reverse_iterator(begin), IsBlank).base();
    context.out(0).as<std::string>()[i] = std::string(begin, end);
  }
  return Status::Ok();
}

Status InferLength(InferContext& context) {
  Type type = context.input(0);
  type.dtype = DType::kI32;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

// Bytes that begin no character count for none, as in any UTF-8, good or bad.
Status RunLength(RunContext& context) {
  const bool is_bytes = context.attrs().String("unit") == "BYTE";
  const Tensor& x = context.in(0);
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string& text = x.as<std::string>()[i];
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    const auto length = is_bytes ? static_cast<int64_t>(text.size())
                                 : static_cast<int64_t>(std::count_if(text.begin(), text.end(), begins));
    context.out(0).as<int32_t>()[i] = static_cast<int32_t>(length);
  }
  return Status::Ok();
}

Status InferPart(InferContext& context) {
  std::vector<const DimList*> shapes;
  for (size_t i = 0; i < 3; ++i) {
    if (!context.shape(i)) {
      context.SetOutput(0, Type::OfUnknownShape(DType::kString));
      return Status::Ok();
    }
    shapes.push_back(&*context.shape(i));
  }
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, BroadcastShapes(context, shapes));
  context.SetOutput(0, DType::kString, std::move(shape));
  return Status::Ok();
}

Status RunPart(RunContext& context) {
  const Dims shapes[] = {context.in(0).dims(), context.in(1).dims(), context.in(2).dims()};
  Tensor& y = context.out(0);
  Status status;
  ForEachBroadcast(y.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const std::string& text = context.in(0).as<std::string>()[at[0]];
    const auto size = static_cast<int64_t>(text.size());
    const int64_t wanted = LoadInt(context.in(1).dtype(), context.in(1).data(), at[1]);
    const int64_t length = LoadInt(context.in(2).dtype(), context.in(2).data(), at[2]);
    const int64_t begin = wanted < 0 && wanted >= -size ? wanted + size : wanted;
    if ((begin < 0 || begin > size) && status.ok())
      status = context.Error("position " + std::to_string(wanted) + " is not in a string of " +
                             std::to_string(size) + " bytes");
    if (status.ok())
      y.as<std::string>()[i] =
          text.substr(static_cast<size_t>(begin), static_cast<size_t>(std::clamp<int64_t>(length, 0, size)));
  });
  return status;
}

// Other encodings than bytes: TensorFlow asks ICU, which knows all alphabets.
Status ImportCase(ImportContext& context) {
  if (!context.attrs().String("encoding").empty())
    return context.Unsupported("letters of the encoding '" + context.attrs().String("encoding") + "'",
                               "only letters of ASCII are changed here: leave the encoding out");
  return context.Emit(context.op().name, {context.in(0)});
}

Status ImportPart(ImportContext& context) {
  const std::string& unit = context.attrs().String("unit");
  if (!unit.empty() && unit != "BYTE") return context.Unsupported("counts in " + unit);
  return context.Emit("Substring", {context.in(0), context.in(1), context.in(2)});
}

OpDef TextOp(const char* name, const char* summary) {
  OpDef op;
  op.name = name;
  op.group = "text";
  op.summary = summary;
  op.inputs = {{"x", {DType::kString}, "any shape"}};
  op.outputs = {{"y", {DType::kString}, "the shape of x"}};
  op.infer = InferSameAsInput;
  return op;
}

}  // namespace

OpDef MakeStringLower() {
  OpDef op = TextOp("StringLower", "Each string with small letters for ASCII's capital ones.");
  op.reference = RunCase<Lower>;
  op.foreign = {{Format::kTensorflow, "StringLower", 1, INT_MAX, ImportCase}};
  return op;
}

OpDef MakeStringUpper() {
  OpDef op = TextOp("StringUpper", "Each string with capital letters for ASCII's small ones.");
  op.reference = RunCase<Upper>;
  op.foreign = {{Format::kTensorflow, "StringUpper", 1, INT_MAX, ImportCase}};
  return op;
}

OpDef MakeStringStrip() {
  OpDef op = TextOp("StringStrip", "Each string without ASCII's blanks at its ends.");
  op.reference = RunStrip;
  op.foreign = {{Format::kTensorflow, "StringStrip"}};
  return op;
}

OpDef MakeStringLength() {
  OpDef op = TextOp("StringLength", "How long each string is.");
  op.outputs = {{"y", {DType::kI32}, "the shape of x"}};
  op.attrs = {StringAttr("unit", "BYTE", {"BYTE", "UTF8_CHAR"}, "what is counted")};
  op.infer = InferLength;
  op.reference = RunLength;
  op.foreign = {{Format::kTensorflow, "StringLength"}};
  return op;
}

OpDef MakeSubstring() {
  OpDef op = TextOp("Substring", "A part of each string, in bytes; what lies behind its end is left out.");
  op.inputs.push_back({"position", kIndices, "of the first byte; negative: from the end; broadcast with x"});
  op.inputs.push_back({"length", kIndices, "bytes; broadcast with x"});
  op.outputs[0].doc = "the broadcast shape";
  op.infer = InferPart;
  op.reference = RunPart;
  op.foreign = {{Format::kTensorflow, "Substr", 1, INT_MAX, ImportPart}};
  return op;
}

}  // namespace slipway
