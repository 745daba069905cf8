#include "build/section.h"

#include <algorithm>

#include "build/machine.h"
#include "build/packed_uses.h"

namespace slipway {

std::string SectionTarget(const std::vector<const Backend*>& backends, int num_threads, Accuracy accuracy,
                          Precision precision) {
  std::string text = MachineFingerprint(backends, num_threads) + " backend " + backends.front()->name;
  if (accuracy == Accuracy::kStrict) text += " accuracy strict";
  if (precision != Precision::kF32) text += " precision " + NameOf(precision);
  return text;
}

Result<TunedSection> MakeSection(const Graph& graph, const std::vector<Choice>& choices, std::string target) {
  TunedSection section;
  section.target = std::move(target);
  PackedUses uses(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(Step step, MakeStep(graph, graph.nodes[i]));
    PackedInputs packed;
    step.packed = &packed;
    SLIPWAY_RETURN_IF_ERROR(choices[i].tactic->Make(step).status());
    section.steps.push_back({choices[i].tactic->name(), packed.parts()});
    for (ValueId id : uses.Add(graph.nodes[i], packed)) section.unread.push_back(id);
  }
  std::sort(section.unread.begin(), section.unread.end());
  return section;
}

Status CheckSection(const TunedSection& section, const Graph& graph,
                    const std::vector<const Backend*>& backends, ChooseOptions options) {
  std::vector<std::string> names;
  for (const TunedSection::Step& step : section.steps) names.push_back(step.tactic);
  if (std::find(names.begin(), names.end(), "") != names.end())
    return Status(Code::kInvalidModel, "a step has no tactic");
  if (names.empty() && !graph.nodes.empty()) return Status(Code::kInvalidModel, "it has no steps");
  options.names = names;
  return ChooseTactics(graph, backends, options).status();
}

void PutSection(TunedSection section, SlipModel& model) {
  const auto same = std::find_if(model.tuned.begin(), model.tuned.end(),
                                 [&](const TunedSection& each) { return each.target == section.target; });
  if (same == model.tuned.end())
    model.tuned.push_back(std::move(section));
  else
    *same = std::move(section);
}

const TunedSection* FindSection(const SlipModel& model, const std::string& target) {
  for (const TunedSection& section : model.tuned) {
    if (section.target == target) return &section;
  }
  return nullptr;
}

}  // namespace slipway
