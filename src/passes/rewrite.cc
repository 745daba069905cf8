#include "passes/rewrite.h"

#include <algorithm>

#include "base/pages.h"
#include "base/scalar.h"
#include "ops/op.h"

namespace slipway {

GraphView::GraphView(Graph& graph) : graph_(graph), is_dropped_(graph.nodes.size(), false) { Refresh(); }

void GraphView::Refresh() {
  producers_ = graph_.Producers();
  uses_ = graph_.UseCounts();
  readers_.assign(graph_.values.size(), -1);
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (is_dropped_[i]) continue;
    for (ValueId id : graph_.nodes[i].inputs) {
      if (id != kNoValue) readers_[static_cast<size_t>(id)] = static_cast<int>(i);
    }
  }
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (!is_dropped_[i]) continue;
    for (ValueId id : graph_.nodes[i].inputs) {
      if (id != kNoValue) --uses_[static_cast<size_t>(id)];
    }
    for (ValueId id : graph_.nodes[i].outputs) {
      if (id != kNoValue && producers_[static_cast<size_t>(id)] == static_cast<int>(i))
        producers_[static_cast<size_t>(id)] = -1;
    }
  }
  // A value taken over by another node has two producers in the list: the live one counts.
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (is_dropped_[i]) continue;
    for (ValueId id : graph_.nodes[i].outputs) {
      if (id != kNoValue) producers_[static_cast<size_t>(id)] = static_cast<int>(i);
    }
  }
}

Node* GraphView::Producer(ValueId id) {
  const int index = id == kNoValue ? -1 : producers_[static_cast<size_t>(id)];
  return index < 0 || is_dropped_[static_cast<size_t>(index)] ? nullptr
                                                              : &graph_.nodes[static_cast<size_t>(index)];
}

bool GraphView::IsOnlyReadOnce(ValueId id) const {
  const bool is_output = std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end();
  return !is_output && uses_[static_cast<size_t>(id)] == 1;
}

Node* GraphView::OnlyReader(ValueId id) {
  if (!IsOnlyReadOnce(id)) return nullptr;
  const int index = readers_[static_cast<size_t>(id)];
  return index < 0 ? nullptr : &graph_.nodes[static_cast<size_t>(index)];
}

const Tensor* GraphView::Constant(ValueId id) const {
  if (id == kNoValue || !graph_.value(id).IsConstant()) return nullptr;
  return &graph_.value(id).data;
}

std::optional<double> GraphView::Scalar(ValueId id) const {
  const Tensor* tensor = Constant(id);
  if (tensor == nullptr || tensor->count() != 1 || !IsFloat(tensor->dtype())) return std::nullopt;
  return LoadReal(tensor->dtype(), tensor->data(), 0);
}

void GraphView::Drop(const Node& node) {
  is_dropped_[static_cast<size_t>(&node - graph_.nodes.data())] = true;
  Refresh();
}

void GraphView::DropUnread(std::vector<Node*> nodes) {
  std::sort(nodes.rbegin(), nodes.rend());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  for (const Node* node : nodes) {
    const auto is_unread = [&](ValueId id) { return id == kNoValue || IsUnread(id); };
    if (std::all_of(node->outputs.begin(), node->outputs.end(), is_unread)) Drop(*node);
  }
}

bool GraphView::Finish() {
  const bool has_changed = std::find(is_dropped_.begin(), is_dropped_.end(), true) != is_dropped_.end();
  if (has_changed) graph_.Compact(is_dropped_);
  return has_changed;
}

bool IsPlain(const Node* node, const char* op) {
  if (node == nullptr || node->op != op || node->outputs.size() != 1) return false;
  return !node->attrs.Has("activation") || node->attrs.String("activation") == "none";
}

ValueId SquaredBy(GraphView& view, const Node* node) {
  const bool is_square = IsPlain(node, "Square") ||
                         (IsPlain(node, "Mul") && node->inputs[0] == node->inputs[1]) ||
                         (IsPlain(node, "Pow") && view.Scalar(node->inputs[1]) == 2.0);
  return is_square ? node->inputs[0] : kNoValue;
}

std::optional<Ints> KeptAxes(GraphView& view, const Node* node) {
  if (node == nullptr || node->attrs.Int("keepdims", 1) == 0 || !node->HasInput(1)) return std::nullopt;
  const Type& type = view.graph().value(node->inputs[0]).type;
  const Tensor* constant = view.Constant(node->inputs[1]);
  if (constant == nullptr || !type.HasRank()) return std::nullopt;
  Ints axes = IntsOf(*constant);
  for (int64_t& axis : axes) axis += axis < 0 ? type.rank() : 0;
  std::sort(axes.begin(), axes.end());
  return axes;
}

Status Become(Node& node, std::string op, std::vector<ValueId> inputs, Attrs attrs) {
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  const OpDef* record = FindOp(node.op);
  if (record == nullptr) return Status(Code::kInternal, "no operator is called '" + node.op + "'");
  return CompleteAttrs(*record, node);
}

void ReleaseUnread(Graph& graph, ValueId id) {
  if (id == kNoValue || graph.UseCounts()[static_cast<size_t>(id)] > 0) return;
  Tensor& data = graph.value(id).data;
  if (data.dtype() != DType::kString) OfferPages(data.data(), static_cast<size_t>(data.size_bytes()));
  data = Tensor();
}

void MergeSources(Node& into, const Node& from) {
  for (const std::string& source : from.sources) {
    if (std::find(into.sources.begin(), into.sources.end(), source) == into.sources.end())
      into.sources.push_back(source);
  }
}

std::optional<std::vector<double>> PerChannel(const Tensor& tensor, int rank, int channel_axis,
                                              int64_t channels) {
  if (!IsFloat(tensor.dtype())) return std::nullopt;
  if (tensor.rank() > rank) return std::nullopt;
  const bool is_scalar = tensor.count() == 1;
  for (int axis = 0; axis < tensor.rank() && !is_scalar; ++axis) {
    const bool is_channel = rank - tensor.rank() + axis == channel_axis;
    if (tensor.dim(axis) != (is_channel ? channels : 1)) return std::nullopt;
  }
  if (!is_scalar && tensor.count() != channels) return std::nullopt;
  std::vector<double> values(static_cast<size_t>(channels));
  for (int64_t i = 0; i < channels; ++i) {
    values[static_cast<size_t>(i)] = LoadReal(tensor.dtype(), tensor.data(), is_scalar ? 0 : i);
  }
  return values;
}

}  // namespace slipway
