// Shape and type inference of one node, on symbolic dimensions.
#pragma once

#include <functional>
#include <optional>

#include "ops/op.h"

namespace slipway {

// What is known of the content of a small integer tensor (rank 0 or 1) while shapes are being inferred: its
// elements as dimensions, some of them symbolic. Carries shape arithmetic such as Shape -> Gather -> Concat
// -> Reshape.
using Content = DimList;

// Tensors with more elements than this have no Content.
inline constexpr int64_t kMaxContentElements = 4096;

class InferContext {
 public:
  struct Input {
    Type type;
    const Tensor* constant = nullptr;  // full content, when known
    std::optional<Content> content;    // elements, when known at least symbolically
    const Quant* quant = nullptr;
  };
  struct Output {
    Type type;
    std::optional<Content> content;
    const Quant* quant = nullptr;  // declared by the graph, for operators that need it
  };

  InferContext(const OpDef& op, const Node& node, std::vector<Input> inputs, std::vector<Output> outputs)
      : op_(op), node_(node), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

  const OpDef& op() const { return op_; }
  const Node& node() const { return node_; }
  const Attrs& attrs() const { return node_.attrs; }

  size_t num_inputs() const { return inputs_.size(); }
  bool HasInput(size_t i) const { return node_.HasInput(i); }
  const Type& input(size_t i) const { return inputs_[i].type; }
  DType dtype(size_t i) const { return inputs_[i].type.dtype; }
  // REQUIRES: the input is there. nullopt: unknown rank.
  const std::optional<DimList>& shape(size_t i) const { return inputs_[i].type.shape; }
  // The input's full content, or null.
  const Tensor* constant(size_t i) const { return i < inputs_.size() ? inputs_[i].constant : nullptr; }
  // The elements of a small integer input (also of constants), possibly symbolic.
  std::optional<Content> content(size_t i) const;
  // The same, only if every element is known.
  std::optional<Ints> ints(size_t i) const;
  const Quant* quant(size_t i) const { return inputs_[i].quant; }

  size_t num_outputs() const { return outputs_.size(); }
  bool HasOutput(size_t i) const { return i < node_.outputs.size() && node_.outputs[i] != kNoValue; }
  void SetOutput(size_t i, Type type);
  void SetOutput(size_t i, DType dtype, DimList shape) { SetOutput(i, Type::Of(dtype, std::move(shape))); }
  void SetContent(size_t i, Content content);
  const Output& output(size_t i) const { return outputs_[i]; }

  // Known elements of a type's shape, 0 where something is unknown: for costs.
  double CountOfInput(size_t i) const;
  double CountOfOutput(size_t i) const;

  // "Conv 'c1': <message>"
  Status Error(std::string message, std::string hint = {}) const;
  Status Unsupported(std::string message, std::string hint = {}) const;

 private:
  const OpDef& op_;
  const Node& node_;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
};

// Checks number and dtypes of the node's inputs against the record, then runs its `infer`.
Status InferNode(InferContext& context);

// Infers every value's type in order, starting from the graph inputs' types (or from `inputs`, when given:
// concrete shapes for a run). Content is propagated; where every input of a node is known and small, its
// reference runs. Declared types of computed values are replaced by inferred ones; where inference knows
// less, the declared stays.
Status InferGraph(Graph& graph);

// Symbolic content of every value after inference, for passes that fold shape arithmetic.
struct GraphFacts {
  std::vector<std::optional<Content>> contents;  // by ValueId
};
Status InferGraph(Graph& graph, GraphFacts* facts);

// --- Helpers that records share ---

// Numpy broadcasting of two or more shapes; symbolic dims are kept where they agree or meet a 1.
Result<DimList> BroadcastShapes(const InferContext& context, const std::vector<const DimList*>& shapes);
// Normalises a possibly negative axis; an error outside [-rank, rank) (or [-rank-extra, rank+extra)).
Result<int> NormalizeAxis(const InferContext& context, int64_t axis, int rank);
// Output 0 = type of input 0.
Status InferSameAsInput(InferContext& context);
// Output 0 = broadcast of all inputs, dtype of input 0 / bool.
Status InferBroadcast(InferContext& context);
Status InferBroadcastBool(InferContext& context);

}  // namespace slipway
