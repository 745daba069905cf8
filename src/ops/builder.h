// Builds graphs node by node, types inferred as it goes. Importers, passes and tests use it.
#pragma once

#include <string>
#include <vector>

#include "ops/infer.h"

namespace slipway {

// Wraps a graph that the caller owns. After an error the graph is left as it was before the call.
class GraphBuilder {
 public:
  explicit GraphBuilder(Graph& graph) : graph_(graph) {}

  Graph& graph() { return graph_; }
  const Type& type(ValueId id) const { return graph_.value(id).type; }
  // Full content if the value is a constant, else null.
  const Tensor* constant(ValueId id) const;

  ValueId Input(std::string name, Type type, std::optional<Quant> quant = std::nullopt);
  ValueId Constant(std::string name, Tensor data, std::optional<Quant> quant = std::nullopt);
  ValueId Ints(const std::vector<int64_t>& values);  // i64[n]
  ValueId Scalar(DType dtype, double value);

  // Adds a node: completes its attributes, creates `outputs` values (names and quant are kept; an empty name
  // with `is_left_out` semantics is spelled by an Output without value), infers their types. Declared output
  // types fill in what inference leaves open.
  struct Output {
    std::string name;
    std::optional<Quant> quant;
    Type declared;
    bool is_left_out = false;
  };
  Result<std::vector<ValueId>> Add(Node node, std::vector<Output> outputs);
  // One output, named after the node.
  Result<ValueId> Add(std::string op, std::vector<ValueId> inputs, Attrs attrs = {}, std::string name = {});

  // Provenance put on every node added from now on.
  void SetSources(std::vector<std::string> sources) { sources_ = std::move(sources); }

 private:
  Graph& graph_;
  std::vector<std::string> sources_;
  std::vector<std::optional<Content>> contents_;  // by ValueId, what inference learnt
};

}  // namespace slipway
