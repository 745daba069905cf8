// Case, one of many functions by number, as a tree of Ifs: half of the branches each way.
//
// before: Case[branches=(f, g, h)](k, x)
// after:  If[then=T, else=E](k' < 1, k', x)   T(k, x) = f(x)   E(k, x) = If[g, h](k < 2, k, x)
//         k' = k, or 2 where there is no branch k: TensorFlow then takes the last one.
#include <algorithm>

#include "formats/tensorflow/raising.h"

namespace slipway::tensorflow {
namespace {

constexpr size_t kMaxBranches = 256;

TfNode Number(std::string name, size_t value) {
  Tensor number(DType::kI32, {});
  *number.as<int32_t>() = static_cast<int32_t>(value);
  return {std::move(name), "Const", {}, {{"dtype", DType::kI32}, {"value", std::move(number)}}};
}

class CaseRaiser {
 public:
  CaseRaiser(const Strings& branches, size_t num_operands, TfLibrary& library)
      : branches_(branches), num_operands_(num_operands), library_(library) {
    // Equal names stand for equal functions: bodies are kept by name.
    prefix_ = "case/" + std::to_string(num_operands);
    for (const std::string& branch : branches) prefix_ += "/" + branch;
  }

  // A function of the number and the operands that takes one of the branches [first, last).
  std::string Function(size_t first, size_t last) {
    const std::string name = prefix_ + "/" + std::to_string(first) + "-" + std::to_string(last);
    if (library_.count(name)) return name;
    TfFunction function;
    function.name = name;
    function.args.push_back("number");
    for (size_t i = 0; i < num_operands_; ++i) function.args.push_back("operand" + std::to_string(i));
    for (const std::string& arg : function.args) function.nodes.push_back({arg, "_Arg", {}, {}});
    if (last - first == 1) {
      const std::vector<std::string> operands(function.args.begin() + 1, function.args.end());
      function.nodes.push_back({"taken", "PartitionedCall", operands, {{"f", branches_[first]}}});
    } else {
      AddIf("taken", first, last, function.args, function.nodes);
    }
    const size_t num_results = library_.at(branches_[first]).results.size();
    for (size_t i = 0; i < num_results; ++i) function.results.push_back("taken:" + std::to_string(i));
    library_.emplace(name, std::move(function));
    return name;
  }

  // inputs: the number, the operands, control edges.
  void AddIf(const std::string& name, size_t first, size_t last, std::vector<std::string> inputs,
             std::vector<TfNode>& nodes) {
    const size_t middle = first + std::max<size_t>((last - first) / 2, 1);
    nodes.push_back(Number(name + "/middle", middle));
    nodes.push_back({name + "/is_below", "Less", {inputs[0], name + "/middle"}, {}});
    inputs.insert(inputs.begin(), name + "/is_below");
    std::string below = Function(first, middle);
    std::string above = middle < last ? Function(middle, last) : below;
    nodes.push_back({name,
                     "If",
                     std::move(inputs),
                     {{"then_branch", std::move(below)}, {"else_branch", std::move(above)}}});
  }

 private:
  const Strings& branches_;
  size_t num_operands_;
  TfLibrary& library_;
  std::string prefix_;
};

bool CanRaise(const TfNode& node, const TfLibrary& library) {
  if (node.op != "Case" && node.op != "StatelessCase") return false;
  const Strings& branches = node.attrs.StringList("branches");
  if (branches.empty() || branches.size() > kMaxBranches) return false;
  if (node.inputs.empty() || ParseInput(node.inputs[0]).is_control) return false;
  return std::all_of(branches.begin(), branches.end(),
                     [&](const std::string& branch) { return library.count(branch) > 0; });
}

}  // namespace

Status RaiseCases(TfGraph& graph, TfLibrary& library) {
  std::vector<TfNode> nodes;
  for (const TfNode& node : graph.nodes) {
    if (!CanRaise(node, library)) {
      nodes.push_back(node);
      continue;
    }
    const Strings& branches = node.attrs.StringList("branches");
    std::vector<std::string> inputs = node.inputs;
    const auto num_operands = std::count_if(inputs.begin() + 1, inputs.end(), [](const std::string& input) {
      return !ParseInput(input).is_control;
    });
    // A number that no branch has stands for the last.
    const std::string& name = node.name;
    nodes.push_back(Number(name + "/zero", 0));
    nodes.push_back(Number(name + "/last", branches.size() - 1));
    nodes.push_back({name + "/is_negative", "Less", {inputs[0], name + "/zero"}, {}});
    nodes.push_back({name + "/number", "SelectV2", {name + "/is_negative", name + "/last", inputs[0]}, {}});
    inputs[0] = name + "/number";
    CaseRaiser raiser(branches, static_cast<size_t>(num_operands), library);
    raiser.AddIf(name, 0, branches.size(), std::move(inputs), nodes);
  }
  graph.nodes = std::move(nodes);
  graph.by_name.clear();
  graph.readers.clear();
  return graph.Index();
}

}  // namespace slipway::tensorflow
