#include "build/choose.h"

#include <algorithm>
#include <cstdio>

#include "build/step_signature.h"
#include "ops/dynamic_ops.h"

namespace slipway {
namespace {

constexpr std::string_view kPrecisions[] = {"f32", "bf16", "f16"};  // by their numbers

std::string Reasons(const Choice& choice) {
  std::string reasons;
  for (const auto& rejection : choice.rejected)
    reasons += "\n  " + rejection.tactic + ": " + rejection.reason;
  return reasons;
}

std::optional<std::string> WhyNotAllowed(const Tactic& tactic, const ChooseOptions& options) {
  if (tactic.precision() != Precision::kF32 && tactic.precision() != options.precision) {
    const std::string name = NameOf(tactic.precision());
    return "it multiplies in " + name + ": --precision " + name;
  }
  if (options.accuracy == Accuracy::kStrict && tactic.RelativeError() > kStrictRelativeError) {
    char text[80];
    std::snprintf(text, sizeof(text), "its relative error of %.1g is above %.0e: --accuracy strict",
                  tactic.RelativeError(), kStrictRelativeError);
    return text;
  }
  return std::nullopt;
}

// Every tactic that fits, and why the others do not.
Choice CandidatesOf(const Step& step, const std::vector<const Backend*>& backends,
                    const ChooseOptions& options) {
  Choice choice;
  for (const Backend* backend : backends) {
    for (const Tactic* tactic : backend->tactics) {
      auto reason = tactic->WhyNot(step);
      if (!reason) reason = WhyNotAllowed(*tactic, options);
      if (reason) {
        choice.rejected.push_back({tactic->name(), std::move(*reason)});
      } else {
        choice.candidates.push_back({tactic, tactic->EstimateUs(step), std::nullopt});
      }
    }
  }
  return choice;
}

void Take(const Choice::Candidate& candidate, Choice& choice) {
  choice.tactic = candidate.tactic;
  choice.estimate_us = candidate.estimate_us;
  choice.time_us = candidate.time_us;
}

Status TakeNamed(const Step& step, const std::string& name, Choice& choice) {
  for (const auto& candidate : choice.candidates) {
    if (candidate.tactic->name() != name) continue;
    Take(candidate, choice);
    return Status::Ok();
  }
  std::string why = "there is no such tactic here";
  for (const auto& rejection : choice.rejected) {
    if (rejection.tactic == name) why = rejection.reason;
  }
  return Status(Code::kUnsupported, step.node->op + " '" + step.node->name + "': tactic '" + name +
                                        "' was chosen, but cannot run it: " + why);
}

Result<Choice> ChooseFor(const Step& step, const std::vector<const Backend*>& backends,
                         const ChooseOptions& options, const std::string& name) {
  Choice choice = CandidatesOf(step, backends, options);
  if (options.timings != nullptr && !options.timings->IsEmpty()) {
    const std::string signature = StepSignature(step);
    for (auto& candidate : choice.candidates)
      candidate.time_us = options.timings->Find(signature, candidate.tactic->name());
  }
  if (!name.empty()) {
    SLIPWAY_RETURN_IF_ERROR(TakeNamed(step, name, choice));
    return choice;
  }
  const Choice::Candidate* best = nullptr;
  for (const auto& candidate : choice.candidates) {
    if (best == nullptr || IsBetter(candidate, *best)) best = &candidate;
  }
  if (best == nullptr) {
    return Status(Code::kUnsupported,
                  step.node->op + " '" + step.node->name + "': no backend can run it" + Reasons(choice));
  }
  Take(*best, choice);
  return choice;
}

}  // namespace

bool IsBetter(const Choice::Candidate& a, const Choice::Candidate& b) {
  if (a.time_us.has_value() != b.time_us.has_value()) return a.time_us.has_value();
  if (!a.time_us) return a.estimate_us < b.estimate_us;
  return *a.time_us * a.tactic->TimeFactor() < *b.time_us * b.tactic->TimeFactor();
}

std::vector<std::string> TacticNames(std::span<const Choice> choices) {
  std::vector<std::string> names;
  for (const Choice& choice : choices) names.push_back(choice.tactic->name());
  return names;
}

std::string NameOf(Precision precision) { return std::string(kPrecisions[static_cast<size_t>(precision)]); }

Result<Precision> PrecisionNamed(const std::string& name) {
  const auto* found = std::find(std::begin(kPrecisions), std::end(kPrecisions), name);
  if (found != std::end(kPrecisions)) return static_cast<Precision>(found - std::begin(kPrecisions));
  return Status(Code::kUsage, "no precision is called '" + name + "'", "precisions are: f32, bf16, f16");
}

std::optional<std::string> WhyNo(Precision precision, const std::vector<const Backend*>& backends) {
  std::string reasons;
  for (const Backend* backend : backends) {
    const auto reason = backend->WhyNo(precision);
    if (!reason) return std::nullopt;
    reasons += (reasons.empty() ? "" : "; ") + backend->name + ": " + *reason;
  }
  return reasons;
}

Result<Step> MakeStep(const Graph& graph, const Node& node) {
  Step step;
  step.op = FindOp(node.op);
  step.node = &node;
  if (step.op == nullptr) return UnknownOp(node);
  for (ValueId id : node.inputs) step.inputs.push_back(id == kNoValue ? nullptr : &graph.value(id));
  for (ValueId id : node.outputs) step.outputs.push_back(id == kNoValue ? nullptr : &graph.value(id));
  return step;
}

Result<std::vector<Choice>> ChooseTactics(const Graph& graph, const std::vector<const Backend*>& backends,
                                          const ChooseOptions& options) {
  if (!options.names.empty() && options.names.size() != graph.nodes.size()) {
    return Status(Code::kInvalidModel, std::to_string(options.names.size()) + " tactics are named for " +
                                           std::to_string(graph.nodes.size()) + " nodes");
  }
  if (const auto reason = WhyNo(options.precision, backends)) {
    const std::string name = NameOf(options.precision);
    return Status(Code::kUnsupported, name + " was asked for, but no backend has it here: " + *reason,
                  "leave out --precision, or run it on a machine that has " + name);
  }
  std::vector<Choice> choices;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(Step step, MakeStep(graph, graph.nodes[i]));
    SLIPWAY_ASSIGN_OR_RETURN(
        Choice choice, ChooseFor(step, backends, options, options.names.empty() ? "" : options.names[i]));
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<std::vector<const Backend*>> BackendsNamed(const std::string& name, bool is_required) {
  const Backend* backend = FindBackend(name);
  if (backend == nullptr) {
    std::string known;
    for (const Backend& each : AllBackends()) known += (known.empty() ? "" : ", ") + each.name;
    return Status(Code::kUsage, "no backend is called '" + name + "'", "backends are: " + known);
  }
  std::vector<const Backend*> backends = {backend};
  if (!is_required && backend->name != "ref") backends.push_back(FindBackend("ref"));
  return backends;
}

}  // namespace slipway
