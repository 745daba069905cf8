#include "formats/tensorflow/raising.h"

#include <algorithm>
#include <set>

#include "formats/tensorflow/raise_control_flow.h"

namespace slipway::tensorflow {

void FunctionBuilder::AddArgument(const std::string& node, DType dtype) {
  if (!dtypes_.emplace(node, dtype).second) return;
  arguments_.push_back(node);
}

std::optional<std::string> FunctionBuilder::Resolve(const std::string& input) const {
  std::string text = input;
  for (int hops = 0; hops < 64; ++hops) {
    const TfInput at = ParseInput(text);
    if (dtypes_.count(at.node)) return at.node + ":0";
    const TfNode* node = graph_.Find(at.node);
    const auto next = node != nullptr && Step ? Step(*node, at.index) : std::nullopt;
    if (!next) return text;
    text = *next;
  }
  return std::nullopt;
}

std::optional<TfFunction> FunctionBuilder::Build(const std::string& name,
                                                 const std::vector<std::string>& results) const {
  TfFunction function;
  function.name = name;
  function.args = arguments_;
  for (const std::string& argument : arguments_)
    function.nodes.push_back({argument, "_Arg", {}, {{"dtype", dtypes_.at(argument)}}});
  std::vector<std::string> pending;
  for (const std::string& result : results) {
    const auto resolved = Resolve(result);
    if (!resolved) return std::nullopt;
    function.results.push_back(*resolved);
    pending.push_back(*resolved);
  }
  std::set<std::string> seen;
  while (!pending.empty()) {
    const std::string at = ParseInput(pending.back()).node;
    pending.pop_back();
    if (dtypes_.count(at) || !seen.insert(at).second) continue;
    const TfNode* node = graph_.Find(at);
    if (node == nullptr || (IsBarred && IsBarred(*node))) return std::nullopt;
    TfNode copy = *node;
    copy.inputs.clear();
    for (const std::string& input : node->inputs) {
      if (ParseInput(input).is_control) continue;
      const auto resolved = Resolve(input);
      if (!resolved) return std::nullopt;
      copy.inputs.push_back(*resolved);
      pending.push_back(*resolved);
    }
    function.nodes.push_back(std::move(copy));
  }
  return function;
}

std::string UniqueName(const TfGraph& graph, const TfLibrary& library, const std::string& base) {
  // The functions of a loop or branch are called "<name>/...".
  const auto is_taken = [&](const std::string& name) {
    const auto next = library.lower_bound(name + "/");
    return graph.Find(name) != nullptr || (next != library.end() && next->first.starts_with(name + "/"));
  };
  std::string name = base;
  for (int i = 1; is_taken(name); ++i) name = base + "_" + std::to_string(i);
  return name;
}

void SetNodes(TfGraph& graph, std::vector<TfNode> nodes) {
  graph.nodes = std::move(nodes);
  graph.by_name.clear();
  graph.readers.clear();
  (void)graph.Index();  // names are unique
}

Result<TfGraph> RaiseControlFlow(const TfGraph& graph) {
  const auto holds = [&](std::string_view one, std::string_view other) {
    return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                       [&](const TfNode& node) { return node.op == one || node.op == other; });
  };
  const bool has_cases = holds("Case", "StatelessCase");
  const bool has_merges = holds("Merge", "RefMerge");
  if (!has_cases && !has_merges) return graph;
  TfGraph raised = graph;
  TfLibrary library = graph.library ? *graph.library : TfLibrary();
  if (has_cases) SLIPWAY_RETURN_IF_ERROR(RaiseCases(raised, library));
  if (!has_merges) {
    raised.library = std::make_shared<const TfLibrary>(std::move(library));
    return raised;
  }
  const TfLibrary before = library;
  RaiseLoops(raised, library);
  RaiseBranches(raised, library);
  // Bodies of loops, and branches within them.
  std::vector<std::string> pending;
  std::set<std::string> seen;
  const auto add_new = [&] {
    for (const auto& [name, function] : library) {
      if (!before.count(name) && seen.insert(name).second) pending.push_back(name);
    }
  };
  for (add_new(); !pending.empty(); add_new()) {
    const std::string name = pending.back();
    pending.pop_back();
    TfGraph body;
    SetNodes(body, library.at(name).nodes);
    RaiseBranches(body, library);
    library.at(name).nodes = body.nodes;
  }
  raised.library = std::make_shared<const TfLibrary>(std::move(library));
  return raised;
}

}  // namespace slipway::tensorflow
