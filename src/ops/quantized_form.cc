#include "ops/quantized_form.h"

#include <algorithm>
#include <map>

#include "ops/dynamic_ops.h"

namespace slipway {
namespace {

constexpr DTypeSet kSteps = {DType::kI8, DType::kU8, DType::kI16};

struct Operand {
  std::string name;
  const Quant* quant;
};

std::vector<Operand> InputsInSteps(const InferContext& context) {
  std::vector<Operand> operands;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    if (context.HasInput(i) && kSteps.Has(context.dtype(i)))
      operands.push_back({"input " + std::to_string(i), context.quant(i)});
  }
  return operands;
}

std::vector<Operand> OutputsInSteps(const InferContext& context) {
  std::vector<Operand> operands;
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    if (context.HasOutput(i) && kSteps.Has(context.output(i).type.dtype))
      operands.push_back({"output " + std::to_string(i), context.output(i).quant});
  }
  return operands;
}

// "scale 0.5, zero point 3"
std::string Show(const Quant& quant) {
  if (quant.scales.size() != 1) return std::to_string(quant.scales.size()) + " scales";
  return "scale " + std::to_string(quant.scales[0]) + ", zero point " +
         std::to_string(quant.zero_points.empty() ? 0 : quant.zero_points[0]);
}

// Per-axis scales may change their axis on the way (Transpose, Reshape); the numbers must agree all the same.
bool IsSameScale(const Quant& a, const Quant& b) {
  return a.scales == b.scales && a.zero_points == b.zero_points;
}

Status CheckOneScale(const InferContext& context, const std::vector<Operand>& operands) {
  const Operand* first = nullptr;
  for (const Operand& each : operands) {
    if (each.quant == nullptr) continue;
    if (first == nullptr) first = &each;
    if (IsSameScale(*first->quant, *each.quant)) continue;
    return context.Unsupported("keeps quantised values as they are, but " + first->name + " has " +
                                   Show(*first->quant) + " and " + each.name + " has " + Show(*each.quant),
                               "give them one scale, or quantise anew in between");
  }
  return Status::Ok();
}

Status CheckAllScaled(const InferContext& context, const std::vector<Operand>& operands) {
  for (const Operand& each : operands) {
    if (each.quant != nullptr) continue;
    return context.Error(each.name + " has no scale; beside quantised integers it needs one");
  }
  return Status::Ok();
}

}  // namespace

QuantizedForm QuantizedFormOf(std::string_view op) {
  static const auto* const forms = new std::map<std::string_view, QuantizedForm>{
#define SLIPWAY_QUANTIZED(name, form) {#name, QuantizedForm::form},
#include "ops/quantized_forms.inc"
#undef SLIPWAY_QUANTIZED
  };
  const auto found = forms->find(op);
  if (found != forms->end()) return found->second;
  // Plugins are handed the scales; what they make of them is theirs.
  const bool is_theirs = ParsePluginOp(op) || op == CustomOpRecord().name;
  return is_theirs ? QuantizedForm::kIgnoresScale : QuantizedForm::kNone;
}

Status CheckQuantizedOperands(const InferContext& context) {
  std::vector<Operand> operands = InputsInSteps(context);
  const bool is_quantized = std::any_of(operands.begin(), operands.end(),
                                        [](const Operand& each) { return each.quant != nullptr; });
  if (!is_quantized) return Status::Ok();
  for (Operand& each : OutputsInSteps(context)) operands.push_back(std::move(each));
  switch (QuantizedFormOf(context.op().name)) {
    case QuantizedForm::kIgnoresScale: return Status::Ok();
    case QuantizedForm::kKeepsSteps: return CheckOneScale(context, operands);
    case QuantizedForm::kComputes: return CheckAllScaled(context, operands);
    case QuantizedForm::kNone: break;
  }
  return context.Unsupported("has no meaning on quantised integers",
                             "leave this operator in floats when quantising");
}

std::optional<Quant> KeptQuant(const InferContext& context, size_t i) {
  const bool keeps = QuantizedFormOf(context.op().name) == QuantizedForm::kKeepsSteps;
  if (!keeps || !kSteps.Has(context.output(i).type.dtype)) return std::nullopt;
  for (const Operand& each : InputsInSteps(context)) {
    if (each.quant != nullptr && !each.quant->IsPerAxis()) return *each.quant;
  }
  return std::nullopt;
}

}  // namespace slipway
