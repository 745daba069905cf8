// What raising loops and raising branches share: parts of a graph cut out as functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// Cuts what some results need out of a graph. Nodes keep their names; arguments are called as the nodes that
// they stand for.
class FunctionBuilder {
 public:
  explicit FunctionBuilder(const TfGraph& graph) : graph_(graph) {}

  // The function ends at this node: whichever result is read is the argument.
  void AddArgument(const std::string& node, DType dtype);

  // The input that stands for result `index` of a node, where the node only hands it on.
  std::function<std::optional<std::string>(const TfNode& node, int index)> Step;
  // Nodes that no function may hold.
  std::function<bool(const TfNode& node)> IsBarred;

  // nullopt: it would hold a barred node, or reads one that the graph lacks. Control edges are left out.
  std::optional<TfFunction> Build(const std::string& name, const std::vector<std::string>& results) const;

 private:
  // `input` behind all nodes that hand on; nullopt: endless.
  std::optional<std::string> Resolve(const std::string& input) const;

  const TfGraph& graph_;
  std::vector<std::string> arguments_;
  std::map<std::string, DType> dtypes_;
};

// `base`, or that with a number where a node or a function is called so.
std::string UniqueName(const TfGraph& graph, const TfLibrary& library, const std::string& base);

// Replaces the graph's nodes. REQUIRES: unique names.
void SetNodes(TfGraph& graph, std::vector<TfNode> nodes);

// Each raises what it can in the graph; new functions go to the library.
void RaiseLoops(TfGraph& graph, TfLibrary& library);
void RaiseBranches(TfGraph& graph, TfLibrary& library);
// Error (kInvalidModel): names of new nodes are taken.
Status RaiseCases(TfGraph& graph, TfLibrary& library);

}  // namespace slipway::tensorflow
