#include "build/choose.h"

#include "ops/dynamic_ops.h"

namespace slipway {
namespace {

Result<Choice> ChooseFor(const Step& step, const std::vector<const Backend*>& backends) {
  Choice best;
  for (const Backend* backend : backends) {
    for (const Tactic* tactic : backend->tactics) {
      if (auto reason = tactic->WhyNot(step)) {
        best.rejected.push_back({tactic->name(), std::move(*reason)});
        continue;
      }
      const double estimate = tactic->EstimateUs(step);
      if (best.tactic != nullptr && best.estimate_us <= estimate) continue;
      best.tactic = tactic;
      best.estimate_us = estimate;
    }
  }
  if (best.tactic != nullptr) return best;
  std::string reasons;
  for (const auto& rejection : best.rejected) reasons += "\n  " + rejection.tactic + ": " + rejection.reason;
  return Status(Code::kUnsupported,
                step.node->op + " '" + step.node->name + "': no backend can run it" + reasons);
}

}  // namespace

Result<Step> MakeStep(const Graph& graph, const Node& node) {
  Step step;
  step.op = FindOp(node.op);
  step.node = &node;
  if (step.op == nullptr) return UnknownOp(node);
  for (ValueId id : node.inputs) step.inputs.push_back(id == kNoValue ? nullptr : &graph.value(id));
  for (ValueId id : node.outputs) step.outputs.push_back(id == kNoValue ? nullptr : &graph.value(id));
  return step;
}

Result<std::vector<Choice>> ChooseTactics(const Graph& graph, const std::vector<const Backend*>& backends) {
  std::vector<Choice> choices;
  for (const Node& node : graph.nodes) {
    SLIPWAY_ASSIGN_OR_RETURN(Step step, MakeStep(graph, node));
    SLIPWAY_ASSIGN_OR_RETURN(Choice choice, ChooseFor(step, backends));
    choices.push_back(std::move(choice));
  }
  return choices;
}

}  // namespace slipway
