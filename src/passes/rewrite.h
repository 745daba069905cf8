// What rewriting passes share: who makes and who reads a value, and constants of one number per channel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace slipway {

// Producers and readers of a graph, counted once per pass and kept as nodes change: a change costs in step
// with the node's operands, not with the graph. Replaced nodes are marked, not moved.
class GraphView {
 public:
  explicit GraphView(Graph& graph);

  Graph& graph() { return graph_; }
  // Null: an input, a constant, or no value.
  Node* Producer(ValueId id);
  // The only node that reads `id`, if it is read once and is no graph output; else null.
  Node* OnlyReader(ValueId id);
  bool IsOnlyReadOnce(ValueId id) const;
  // The nodes that read `id`, in their order.
  std::vector<Node*> Readers(ValueId id);
  // By nodes and as a graph output.
  int UseCount(ValueId id) const { return facts(id).uses; }
  bool IsUnread(ValueId id) const { return UseCount(id) == 0; }
  const Tensor* Constant(ValueId id) const;
  // The number that a float constant of one element is, of whatever rank.
  std::optional<double> Scalar(ValueId id) const;
  // After every change of a node's inputs or outputs.
  void Update(const Node& node);
  // Its node is dropped by Finish.
  void Drop(const Node& node);
  // Drops those of them whose results nothing reads any more, readers before what they read.
  void DropUnread(std::vector<Node*> nodes);
  // The memory of a constant that nothing reads any more goes now, not when the pass ends, so that rewriting
  // a whole network needs one layer more than the network.
  void ReleaseUnread(ValueId id);
  // Compacts; true if anything was dropped.
  bool Finish();

 private:
  static constexpr int kNone = -1;

  struct Facts {
    int producer = kNone;
    int uses = 0;
    bool is_output = false;
    std::vector<int> readers;  // and nodes that were some: each reader at least once
  };
  // Of a node, as they were counted.
  struct Operands {
    std::vector<ValueId> inputs, outputs;
  };

  const Facts& facts(ValueId id) const;
  Facts& facts(ValueId id);
  void Count(size_t node);
  void Discount(size_t node);

  Graph& graph_;
  std::vector<Facts> facts_;        // by ValueId
  std::vector<Operands> operands_;  // by node; none of dropped ones
  std::vector<bool> is_dropped_;
};

// A node of that operator with one result and no activation fused into it; false for null.
bool IsPlain(const Node* node, const char* op);

// x where the node gives x^2: a Square, a product with itself or a power; kNoValue for others and for null.
ValueId SquaredBy(GraphView& view, const Node* node);

// The axes that a reduction goes over and keeps with extent 1, from 0 on and rising; nullopt where it drops
// them, where they are not constant or left out, and for null.
std::optional<Ints> KeptAxes(GraphView& view, const Node* node);

// `node` becomes another operator, with the defaults of its record for what `attrs` lacks; outputs and
// sources stay.
Status Become(Node& node, std::string op, std::vector<ValueId> inputs, Attrs attrs);

// `into` also stands for the nodes that `from` stood for.
void MergeSources(Node& into, const Node& from);

// A float constant that has one element, or one per channel of `rank`-dimensional values along `channel_axis`
// and ones elsewhere: its `channels` values. nullopt if it has another form.
std::optional<std::vector<double>> PerChannel(const Tensor& tensor, int rank, int channel_axis,
                                              int64_t channels);

}  // namespace slipway
