#include "ops/cost.h"

#include "ops/infer.h"

namespace slipway {
namespace {

double BytesOfType(const Type& type) {
  const bool is_counted = type.kind == TypeKind::kTensor && type.IsStatic() && type.dtype != DType::kNone &&
                          type.dtype != DType::kString;
  return is_counted ? static_cast<double>(BytesOf(type.dtype, CountOf(KnownDims(*type.shape)))) : 0;
}

}  // namespace

Cost CostOf(const OpDef& op, const Node& node, std::span<const Value* const> inputs,
            std::span<const Value* const> outputs) {
  Cost cost;
  std::vector<InferContext::Input> given(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr) continue;
    given[i].type = inputs[i]->type;
    cost.bytes += BytesOfType(inputs[i]->type);
  }
  std::vector<InferContext::Output> made(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == nullptr) continue;
    made[i].type = outputs[i]->type;
    cost.bytes += BytesOfType(outputs[i]->type);
  }
  const InferContext context(op, node, std::move(given), std::move(made));
  cost.flops = op.flops != nullptr ? op.flops(context) : context.CountOfOutput(0);
  return cost;
}

}  // namespace slipway
