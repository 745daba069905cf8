#include "build/step_signature.h"

#include <fmt/format.h>

#include "base/scalar.h"

namespace slipway {
namespace {

constexpr int64_t kMaxListed = 16;  // integers of a constant that stand in the signature

std::string ValueText(const Tensor& tensor) {
  if (!IsInteger(tensor.dtype()) || BitsOf(tensor.dtype()) < 32 || tensor.count() > kMaxListed)
    return "const";
  std::string text = "=";
  for (int64_t value : IntsOf(tensor)) text += (text.size() > 1 ? "," : "") + std::to_string(value);
  return text;
}

std::string OperandText(const Value* value) {
  if (value == nullptr) return "_";
  std::string text = ToString(value->type);
  if (value->quant) text += value->quant->IsPerAxis() ? "qa" : "q";
  if (value->IsConstant()) text += ValueText(value->data);
  return text;
}

template <class List>
std::string ListText(const List& list) {
  std::string text;
  for (const auto& each : list) text += (text.empty() ? "" : ",") + fmt::format("{}", each);
  return "[" + text + "]";
}

struct AttrText {
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(float value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const Ints& value) const { return ListText(value); }
  std::string operator()(const Floats& value) const { return ListText(value); }
  std::string operator()(const Strings& value) const { return ListText(value); }
  std::string operator()(const Tensor& value) const { return Describe(value); }
  std::string operator()(const GraphRef&) const { return "graph"; }
  std::string operator()(DType value) const { return std::string(DTypeName(value)); }
};

}  // namespace

std::string StepSignature(const Step& step) {
  std::string text = step.node->op;
  for (const Value* input : step.inputs) text += " " + OperandText(input);
  text += " ->";
  for (const Value* output : step.outputs) text += " " + OperandText(output);
  for (const auto& [name, attr] : step.attrs()) text += " " + name + "=" + std::visit(AttrText{}, attr);
  // Symbols and strings may hold anything.
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  }
  return text;
}

}  // namespace slipway
