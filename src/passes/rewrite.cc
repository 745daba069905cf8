#include "passes/rewrite.h"

#include <algorithm>

#include "base/pages.h"
#include "base/scalar.h"
#include "ops/op.h"

namespace slipway {

GraphView::GraphView(Graph& graph)
    : graph_(graph), operands_(graph.nodes.size()), is_dropped_(graph.nodes.size(), false) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) Count(i);
  for (ValueId id : graph.outputs) {
    ++facts(id).uses;
    facts(id).is_output = true;
  }
}

// What no node mentioned yet, as a constant made a moment ago, is without producer and readers.
const GraphView::Facts& GraphView::facts(ValueId id) const {
  static const Facts kNothing;
  const auto i = static_cast<size_t>(id);
  return i < facts_.size() ? facts_[i] : kNothing;
}

GraphView::Facts& GraphView::facts(ValueId id) {
  if (static_cast<size_t>(id) >= facts_.size()) facts_.resize(graph_.values.size());
  return facts_[static_cast<size_t>(id)];
}

void GraphView::Count(size_t node) {
  operands_[node] = {graph_.nodes[node].inputs, graph_.nodes[node].outputs};
  for (ValueId id : operands_[node].inputs) {
    if (id == kNoValue) continue;
    ++facts(id).uses;
    facts(id).readers.push_back(static_cast<int>(node));
  }
  for (ValueId id : operands_[node].outputs) {
    if (id != kNoValue) facts(id).producer = static_cast<int>(node);
  }
}

// A value that another node has taken over stays that node's.
void GraphView::Discount(size_t node) {
  for (ValueId id : operands_[node].inputs) {
    if (id != kNoValue) --facts(id).uses;
  }
  for (ValueId id : operands_[node].outputs) {
    if (id != kNoValue && facts(id).producer == static_cast<int>(node)) facts(id).producer = kNone;
  }
  operands_[node] = {};
}

void GraphView::Update(const Node& node) {
  const auto i = static_cast<size_t>(&node - graph_.nodes.data());
  Discount(i);
  Count(i);
}

void GraphView::Drop(const Node& node) {
  const auto i = static_cast<size_t>(&node - graph_.nodes.data());
  Discount(i);
  is_dropped_[i] = true;
}

Node* GraphView::Producer(ValueId id) {
  const int index = id == kNoValue ? kNone : facts(id).producer;
  return index == kNone ? nullptr : &graph_.nodes[static_cast<size_t>(index)];
}

bool GraphView::IsOnlyReadOnce(ValueId id) const { return facts(id).uses == 1 && !facts(id).is_output; }

std::vector<Node*> GraphView::Readers(ValueId id) {
  std::vector<int>& indices = facts(id).readers;
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  std::erase_if(indices, [&](int index) {
    const std::vector<ValueId>& inputs = operands_[static_cast<size_t>(index)].inputs;
    return std::find(inputs.begin(), inputs.end(), id) == inputs.end();
  });
  std::vector<Node*> readers;
  for (int index : indices) readers.push_back(&graph_.nodes[static_cast<size_t>(index)]);
  return readers;
}

Node* GraphView::OnlyReader(ValueId id) { return IsOnlyReadOnce(id) ? Readers(id).front() : nullptr; }

const Tensor* GraphView::Constant(ValueId id) const {
  if (id == kNoValue || !graph_.value(id).IsConstant()) return nullptr;
  return &graph_.value(id).data;
}

std::optional<double> GraphView::Scalar(ValueId id) const {
  const Tensor* tensor = Constant(id);
  if (tensor == nullptr || tensor->count() != 1 || !IsFloat(tensor->dtype())) return std::nullopt;
  return LoadReal(tensor->dtype(), tensor->data(), 0);
}

void GraphView::DropUnread(std::vector<Node*> nodes) {
  std::sort(nodes.rbegin(), nodes.rend());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  for (const Node* node : nodes) {
    const auto is_unread = [&](ValueId id) { return id == kNoValue || IsUnread(id); };
    if (std::all_of(node->outputs.begin(), node->outputs.end(), is_unread)) Drop(*node);
  }
}

void GraphView::ReleaseUnread(ValueId id) {
  if (id == kNoValue || !IsUnread(id)) return;
  Tensor& data = graph_.value(id).data;
  if (data.dtype() != DType::kString) OfferPages(data.bytes(), static_cast<size_t>(data.size_bytes()));
  data = Tensor();
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
