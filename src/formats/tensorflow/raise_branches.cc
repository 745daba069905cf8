// Branches: merges of the two sides of one predicate become an If.
#include <algorithm>
#include <set>

#include "formats/tensorflow/raising.h"

namespace slipway::tensorflow {
namespace {

// Rounds of raising: each takes the innermost of what is left.
constexpr int kMaxRounds = 1000;

bool IsMerge(const TfNode& node) { return node.op == "Merge" || node.op == "RefMerge"; }
bool IsSwitch(const TfNode& node) { return node.op == "Switch" || node.op == "RefSwitch"; }
bool IsLoopPart(const TfNode& node) {
  static const std::set<std::string, std::less<>> kOps = {
      "Enter", "Exit", "NextIteration", "LoopCond", "RefEnter", "RefExit", "RefNextIteration"};
  return kOps.count(node.op) > 0;
}

// What stands behind one input of a merge, up to the switches.
struct Cone {
  std::set<std::string> switches;
  std::set<std::string> predicates;  // "node:k", of the switches; without those, of the pivots waited for
  std::set<int> sides;               // outputs of the switches that are read: 0 false, 1 true
};

// A merge that can be raised.
struct Candidate {
  const TfNode* merge = nullptr;
  std::string predicate;
  std::string if_true, if_false;   // its inputs
  std::set<std::string> switches;  // of both
};

class BranchRaiser {
 public:
  BranchRaiser(TfGraph& graph, TfLibrary& library) : graph_(graph), library_(library) {}

  // Raises the merges of one predicate; false when there are none to raise.
  bool RaiseSome() {
    std::map<std::string, std::vector<Candidate>> by_predicate;
    for (const TfNode& node : graph_.nodes) {
      if (!IsMerge(node) || failed_.count(node.name)) continue;
      if (auto candidate = CandidateOf(node)) {
        std::string predicate = candidate->predicate;
        by_predicate[predicate].push_back(std::move(*candidate));
      }
    }
    for (auto& [predicate, candidates] : by_predicate) {
      if (RaiseGroup(IndependentOf(candidates))) return true;
    }
    return false;
  }

 private:
  // `input` behind identities.
  std::string Source(const std::string& input) const {
    TfInput at = ParseInput(input);
    for (int hops = 0; hops < 64; ++hops) {
      const TfNode* node = graph_.Find(at.node);
      if (node == nullptr || node->op != "Identity" || node->inputs.empty()) break;
      at = ParseInput(node->inputs[0]);
    }
    return at.node + ":" + std::to_string(at.index);
  }

  // nullopt: it holds what cannot be in a branch, or another merge.
  std::optional<Cone> ConeOf(const std::string& input) const {
    Cone cone;
    std::vector<std::string> pending = {input};
    std::set<std::string> seen;
    std::vector<std::string> controls;
    while (!pending.empty()) {
      const TfInput at = ParseInput(pending.back());
      pending.pop_back();
      const TfNode* node = graph_.Find(at.node);
      if (node == nullptr) return std::nullopt;
      if (IsSwitch(*node)) {
        if (node->inputs.size() < 2) return std::nullopt;
        cone.switches.insert(node->name);
        cone.predicates.insert(Source(node->inputs[1]));
        cone.sides.insert(at.index);
        continue;
      }
      if (IsMerge(*node) || IsLoopPart(*node)) return std::nullopt;
      if (!seen.insert(node->name).second) continue;
      for (const std::string& each : node->inputs)
        (ParseInput(each).is_control ? controls : pending).push_back(each);
    }
    if (cone.switches.empty()) AddPivots(controls, cone);
    return cone;
  }

  // A branch that reads nothing from outside still waits for its pivot, Identity(Switch(p, p):k).
  void AddPivots(const std::vector<std::string>& controls, Cone& cone) const {
    for (const std::string& control : controls) {
      const TfInput at = ParseInput(Source(ParseInput(control).node));
      const TfNode* node = graph_.Find(at.node);
      if (node == nullptr || !IsSwitch(*node) || node->inputs.size() < 2) continue;
      cone.predicates.insert(Source(node->inputs[1]));
      cone.sides.insert(at.index);
    }
  }

  std::optional<Candidate> CandidateOf(const TfNode& merge) const {
    std::vector<std::string> inputs;
    for (const std::string& input : merge.inputs) {
      if (!ParseInput(input).is_control) inputs.push_back(input);
    }
    if (inputs.size() != 2) return std::nullopt;
    const auto first = ConeOf(inputs[0]);
    const auto second = first ? ConeOf(inputs[1]) : std::nullopt;
    if (!second || first->sides.size() > 1 || second->sides.size() > 1) return std::nullopt;
    std::set<std::string> predicates = first->predicates;
    predicates.insert(second->predicates.begin(), second->predicates.end());
    if (predicates.size() != 1) return std::nullopt;
    // One side at least is known; the other is the other.
    if (first->sides.empty() && second->sides.empty()) return std::nullopt;
    const int side = !first->sides.empty() ? *first->sides.begin() : 1 - *second->sides.begin();
    if (!second->sides.empty() && *second->sides.begin() == side) return std::nullopt;
    Candidate candidate;
    candidate.merge = &merge;
    candidate.predicate = *predicates.begin();
    candidate.if_true = inputs[side == 1 ? 0 : 1];
    candidate.if_false = inputs[side == 1 ? 1 : 0];
    candidate.switches = first->switches;
    candidate.switches.insert(second->switches.begin(), second->switches.end());
    return candidate;
  }

  // Those whose operands do not depend on another of them.
  std::vector<Candidate> IndependentOf(const std::vector<Candidate>& candidates) const {
    std::set<std::string> merges;
    for (const Candidate& candidate : candidates) merges.insert(candidate.merge->name);
    std::vector<Candidate> independent;
    for (const Candidate& candidate : candidates) {
      std::vector<std::string> pending;
      for (const std::string& name : candidate.switches) pending.push_back(graph_.Find(name)->inputs[0]);
      std::set<std::string> seen;
      bool depends = false;
      while (!pending.empty() && !depends) {
        const std::string at = ParseInput(pending.back()).node;
        pending.pop_back();
        const TfNode* node = graph_.Find(at);
        if (node == nullptr || !seen.insert(at).second) continue;
        depends = merges.count(at) > 0;
        pending.insert(pending.end(), node->inputs.begin(), node->inputs.end());
      }
      if (!depends) independent.push_back(candidate);
    }
    return independent;
  }

  std::optional<TfFunction> Branch(const std::string& name, const std::set<std::string>& switches,
                                   const std::vector<std::string>& results) const {
    FunctionBuilder builder(graph_);
    for (const std::string& each : switches) builder.AddArgument(each, graph_.Find(each)->attrs.Type("T"));
    builder.IsBarred = [](const TfNode& node) { return IsMerge(node) || IsLoopPart(node); };
    return builder.Build(name, results);
  }

  bool RaiseGroup(const std::vector<Candidate>& group) {
    if (group.empty()) return false;
    std::set<std::string> switches;
    std::vector<std::string> if_true, if_false;
    for (const Candidate& candidate : group) {
      switches.insert(candidate.switches.begin(), candidate.switches.end());
      if_true.push_back(candidate.if_true);
      if_false.push_back(candidate.if_false);
    }
    const std::string name = UniqueName(graph_, library_, group[0].merge->name + "/If");
    auto then_branch = Branch(name + "/then", switches, if_true);
    auto else_branch = Branch(name + "/else", switches, if_false);
    if (!then_branch || !else_branch) {
      for (const Candidate& candidate : group) failed_.insert(candidate.merge->name);
      return true;
    }
    TfNode node{
        name, "If", {group[0].predicate}, {{"then_branch", name + "/then"}, {"else_branch", name + "/else"}}};
    for (const std::string& each : switches) node.inputs.push_back(graph_.Find(each)->inputs[0]);
    library_.emplace(name + "/then", std::move(*then_branch));
    library_.emplace(name + "/else", std::move(*else_branch));
    std::vector<TfNode> nodes = graph_.nodes;
    for (size_t i = 0; i < group.size(); ++i) {
      TfNode& merge = nodes[graph_.by_name.at(group[i].merge->name)];
      merge = {merge.name, "Identity", {name + ":" + std::to_string(i)}, {}};
    }
    nodes.push_back(std::move(node));
    SetNodes(graph_, std::move(nodes));
    return true;
  }

  TfGraph& graph_;
  TfLibrary& library_;
  std::set<std::string> failed_;  // merges
};

}  // namespace

void RaiseBranches(TfGraph& graph, TfLibrary& library) {
  BranchRaiser raiser(graph, library);
  for (int i = 0; i < kMaxRounds && raiser.RaiseSome(); ++i) {
  }
}

}  // namespace slipway::tensorflow
