// What rewriting passes share: who makes and who reads a value, and constants of one number per channel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace slipway {

// Producers and readers of a graph, computed once per pass; replaced nodes are marked, not moved.
class GraphView {
 public:
  explicit GraphView(Graph& graph);

  Graph& graph() { return graph_; }
  // Null: an input, a constant, or no value.
  Node* Producer(ValueId id);
  // The only node that reads `id`, if it is read once and is no graph output; else null.
  Node* OnlyReader(ValueId id);
  bool IsOnlyReadOnce(ValueId id) const;
  // By nodes and as a graph output.
  int UseCount(ValueId id) const { return uses_[static_cast<size_t>(id)]; }
  bool IsUnread(ValueId id) const { return UseCount(id) == 0; }
  const Tensor* Constant(ValueId id) const;
  // The number that a float constant of one element is, of whatever rank.
  std::optional<double> Scalar(ValueId id) const;
  // Its node is dropped by Finish.
  void Drop(const Node& node);
  // Drops those of them whose results nothing reads any more, readers before what they read.
  void DropUnread(std::vector<Node*> nodes);
  // Compacts; true if anything was dropped.
  bool Finish();
  // After a change of a node's inputs or outputs.
  void Refresh();

 private:
  Graph& graph_;
  std::vector<int> producers_;
  std::vector<int> readers_;
  std::vector<int> uses_;
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

// The memory of a constant that nothing reads any more goes now, not when the pass ends, so that rewriting a
// whole network needs one layer more than the network. Call GraphView::Refresh before, if inputs changed.
void ReleaseUnread(Graph& graph, ValueId id);

// `into` also stands for the nodes that `from` stood for.
void MergeSources(Node& into, const Node& from);

// A float constant that has one element, or one per channel of `rank`-dimensional values along `channel_axis`
// and ones elsewhere: its `channels` values. nullopt if it has another form.
std::optional<std::vector<double>> PerChannel(const Tensor& tensor, int rank, int channel_axis,
                                              int64_t channels);

}  // namespace slipway
