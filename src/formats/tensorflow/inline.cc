#include "formats/tensorflow/inline.h"

#include <algorithm>
#include <set>

namespace slipway::tensorflow {
namespace {

// No real model comes near: hostile ones call functions that call functions twice each.
constexpr size_t kMinNodeLimit = 20'000;
constexpr size_t kMaxCopiesOfNodes = 100;  // of all nodes in the file, on average
constexpr size_t kMaxNameBytes = size_t{1} << 28;
constexpr size_t kMaxDepth = 64;

// The function that `node` calls; null when it is no call, or calls nothing that the library has.
const TfFunction* CalledBy(const TfGraph& graph, const TfNode& node) {
  if (node.op == "PartitionedCall" || node.op == "StatefulPartitionedCall")
    return graph.FindFunction(node.attrs.String("f"));
  return graph.FindFunction(node.op);
}

class Inliner {
 public:
  explicit Inliner(const TfGraph& source) : source_(source) {
    result_.library = source.library;
    result_.version = source.version;
    size_t num_nodes = source.nodes.size();
    if (source.library) {
      for (const auto& [name, function] : *source.library) num_nodes += function.nodes.size();
    }
    node_limit_ = std::max(kMinNodeLimit, kMaxCopiesOfNodes * num_nodes);
  }

  Result<TfGraph> Run(const std::vector<TfNode>& nodes) {
    SLIPWAY_RETURN_IF_ERROR(AddAll(nodes, "", {}));
    SLIPWAY_RETURN_IF_ERROR(result_.Index());
    return std::move(result_);
  }

 private:
  using Arguments = std::map<std::string, std::string>;  // name of an _Arg to what the caller hands in

  Status AddAll(const std::vector<TfNode>& nodes, const std::string& prefix, const Arguments& arguments) {
    for (const TfNode& node : nodes) {
      if (!prefix.empty() && arguments.count(node.name)) continue;
      TfNode copy = node;
      copy.name = prefix + node.name;
      copy.inputs.clear();
      for (const std::string& input : node.inputs) {
        if (std::string moved = Moved(input, prefix, arguments); !moved.empty())
          copy.inputs.push_back(std::move(moved));
      }
      const TfFunction* function = CalledBy(source_, copy);
      SLIPWAY_RETURN_IF_ERROR(function ? AddCall(std::move(copy), *function) : AddNode(std::move(copy)));
    }
    return Status::Ok();
  }

  // An input of a body's node as the whole graph's; empty: a control edge to an argument.
  static std::string Moved(const std::string& input, const std::string& prefix, const Arguments& arguments) {
    if (prefix.empty()) return input;
    const TfInput at = ParseInput(input);
    const auto argument = arguments.find(at.node);
    if (at.is_control) return argument == arguments.end() ? "^" + prefix + at.node : "";
    if (argument != arguments.end()) return argument->second;
    return prefix + input;
  }

  Status AddNode(TfNode node) {
    name_bytes_ += node.name.size();
    for (const std::string& input : node.inputs) name_bytes_ += input.size();
    if (result_.nodes.size() >= node_limit_ || name_bytes_ > kMaxNameBytes)
      return Status(Code::kInvalidModel, "the functions of the graph, inlined, make more than " +
                                             std::to_string(node_limit_) + " nodes");
    result_.nodes.push_back(std::move(node));
    return Status::Ok();
  }

  Status AddCall(TfNode call, const TfFunction& function) {
    const auto error = [&](const std::string& what) {
      return Status(Code::kInvalidModel,
                    call.op + " '" + call.name + "' of function '" + function.name + "': " + what);
    };
    if (!function.broken.ok()) return function.broken;
    if (std::find(open_.begin(), open_.end(), &function) != open_.end()) return error("it calls itself");
    if (open_.size() >= kMaxDepth) return error("calls are nested more than 64 deep");
    Arguments arguments;
    std::vector<std::string> controls;
    size_t next = 0;
    for (const std::string& input : call.inputs) {
      if (ParseInput(input).is_control) {
        controls.push_back(input);
      } else if (next < function.args.size()) {
        arguments[function.args[next++]] = input;
      }
    }
    if (next < function.args.size())
      return error("it takes " + std::to_string(function.args.size()) + " operands, the call has " +
                   std::to_string(next));
    const std::string prefix = call.name + "/";
    open_.push_back(&function);
    SLIPWAY_RETURN_IF_ERROR(AddAll(function.nodes, prefix, arguments));
    open_.pop_back();
    TfNode results{call.name, function.results.empty() ? "NoOp" : "IdentityN", {}, {}};
    for (const std::string& result : function.results)
      results.inputs.push_back(Moved(result, prefix, arguments));
    results.inputs.insert(results.inputs.end(), controls.begin(), controls.end());
    return AddNode(std::move(results));
  }

  const TfGraph& source_;
  TfGraph result_;
  size_t node_limit_ = 0;
  size_t name_bytes_ = 0;
  std::vector<const TfFunction*> open_;  // being inlined, outermost first
};

}  // namespace

namespace {

TfGraph PartBehind(const TfGraph& graph, const std::vector<std::string>& roots, bool with_control) {
  std::set<size_t> seen;
  std::vector<std::string> pending = roots;
  while (!pending.empty()) {
    const TfInput at = ParseInput(pending.back());
    pending.pop_back();
    const bool is_passed = at.is_control && !with_control;
    const auto found = is_passed ? graph.by_name.end() : graph.by_name.find(at.node);
    if (found == graph.by_name.end() || !seen.insert(found->second).second) continue;
    const std::vector<std::string>& inputs = graph.nodes[found->second].inputs;
    pending.insert(pending.end(), inputs.begin(), inputs.end());
  }
  TfGraph behind;
  behind.library = graph.library;
  behind.tables = graph.tables;
  behind.version = graph.version;
  for (size_t index : seen) behind.nodes.push_back(graph.nodes[index]);
  (void)behind.Index();  // names were unique before
  return behind;
}

}  // namespace

TfGraph NodesBehind(const TfGraph& graph, const std::vector<std::string>& roots) {
  return PartBehind(graph, roots, false);
}

TfGraph NodesAwaited(const TfGraph& graph, const std::vector<std::string>& roots) {
  return PartBehind(graph, roots, true);
}

Result<TfGraph> InlineCalls(const TfGraph& graph) { return Inliner(graph).Run(graph.nodes); }

Result<TfGraph> InlineBody(const TfGraph& graph, const TfFunction& function) {
  if (!function.broken.ok()) return function.broken;
  return Inliner(graph).Run(function.nodes);
}

}  // namespace slipway::tensorflow
