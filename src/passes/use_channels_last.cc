// Images get their channels last, the order in which kernels read them, and transposes vanish.
//   Conv(x)                          =>   Transpose(Conv_last(Transpose(x)))
//   Transpose(Relu(Transpose(x)))    =>   Relu(x)
//   Transpose(Concat(T(x), T(y)))    =>   Concat(x, y), along another axis; likewise Split, Slice, Pad,
//   Resize,
//                                         reductions, Softmax
//   Flatten(Transpose(x))            =>   Flatten(x), where all that moves has extent 1
//   Transpose(Reshape(Transpose(x))) =>   a Reshape that splits the last axis, and one Transpose at most
// Convolutions, pools and normalisations of 1 to 3 spatial axes decide; what lies between them follows
// whichever order most of its elements have. Inputs and outputs of the graph keep their order. Left alone:
// graphs in which no fewer elements would be moved, convolutions with computed weights, values quantised per
// axis, everything else.
#include <algorithm>

#include "base/scalar.h"
#include "ops/nn/residual.h"
#include "ops/nn/window.h"
#include "ops/op.h"
#include "ops/transpose_tensor.h"
#include "passes/axis_order.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

// [N,C,spatial...] kept as [N,spatial...,C].
AxisOrder LastOrder(int rank) {
  AxisOrder order = {0, rank - 1};
  for (int axis = 1; axis + 1 < rank; ++axis) order.push_back(axis);
  return order;
}

bool IsFirst(const Node& node) { return node.attrs.String("layout") == "channels_first"; }

bool IsImageOp(const Node& node) {
  static const std::vector<std::string> kOps = {"Conv",
                                                "ConvTranspose",
                                                "MaxPool",
                                                "AveragePool",
                                                "LpPool",
                                                "GlobalMaxPool",
                                                "GlobalAveragePool",
                                                "GlobalLpPool",
                                                "BatchNormalization",
                                                "InstanceNormalization",
                                                "GroupNormalization",
                                                "LRN",
                                                "DepthToSpace",
                                                "SpaceToDepth"};
  return std::find(kOps.begin(), kOps.end(), node.op) != kOps.end();
}

// The kernel would turn its images itself.
bool MovesInside(const Node& node) { return node.op == "Conv" && IsFirst(node); }

bool IsElementwise(const Node& node) {
  static const std::vector<std::string> kOthers = {
      "Where", "Identity", "Quantize", "Dequantize",     "QuantizeLinear", "DequantizeLinear",
      "Equal", "Greater",  "Less",     "GreaterOrEqual", "LessOrEqual",    "And",
      "Or",    "Xor",      "Not"};
  static const std::vector<std::string> kNot = {"BitCast", "HadamardRotation"};
  const OpDef* op = FindOp(node.op);
  if (op == nullptr || node.outputs.size() != 1) return false;
  if (op->group == "math") return std::find(kNot.begin(), kNot.end(), node.op) == kNot.end();
  return std::find(kOthers.begin(), kOthers.end(), node.op) != kOthers.end();
}

class ChannelsLast {
 public:
  ChannelsLast(Graph& graph, AxisMode mode) : orders_(graph, mode), graph_(graph) {}

  void Run() {
    const std::vector<Node> nodes = graph_.nodes;
    for (const Node& node : nodes) {
      if (!Rewrite(node)) orders_.EmitPlain(node);
    }
    orders_.Finish();
  }

 private:
  bool Rewrite(const Node& node) {
    if (!HasPlainTypes(node)) return false;
    if (node.op == "Transpose") return Absorb(node);
    if (IsImageOp(node)) return ImageOp(node);
    if (node.op == "Reshape" || node.op == "Flatten" || node.op == "Squeeze") return ReshapeOp(node);
    if (IsElementwise(node) && !HasScalesPerAxis(node)) return Elementwise(node);
    return AlongAxes(node);
  }

  // Tensors of known rank, none quantised per axis: those stay where they are.
  bool HasPlainTypes(const Node& node) const {
    const auto is_plain = [&](ValueId id) {
      if (id == kNoValue) return true;
      const Value& value = graph_.value(id);
      if (value.IsConstant()) return true;
      const bool is_per_axis = value.quant && value.quant->scales.size() > 1;
      return value.type.kind == TypeKind::kTensor && value.type.HasRank() && !is_per_axis;
    };
    return std::all_of(node.inputs.begin(), node.inputs.end(), is_plain) &&
           std::all_of(node.outputs.begin(), node.outputs.end(), is_plain);
  }

  // QuantizeLinear and DequantizeLinear along an axis, or in blocks, name it: they keep the graph's order.
  bool HasScalesPerAxis(const Node& node) const {
    if (node.op != "QuantizeLinear" && node.op != "DequantizeLinear") return false;
    const Type& scale = graph_.value(node.inputs[1]).type;
    return !scale.IsStatic() || CountOf(KnownDims(*scale.shape)) != 1;
  }

  int RankOf(ValueId id) const { return graph_.value(id).type.rank(); }

  bool Absorb(const Node& node) {
    const ValueId in = node.inputs[0];
    if (graph_.value(in).IsConstant()) return false;
    const AxisOrder perm = PermutationOf(node.attrs, RankOf(in));
    AxisOrder composed;
    for (int64_t axis : perm) composed.push_back(orders_.order(in)[static_cast<size_t>(axis)]);
    const ValueId stored = orders_.In(orders_.order(in), in);
    orders_.Keep(node.outputs[0], stored, composed);
    return true;
  }

  // Inputs that are images, besides the first.
  static std::vector<size_t> MoreImages(const Node& node) {
    return node.op == "Conv" && node.HasInput(kResidualInput) ? std::vector<size_t>{kResidualInput}
                                                              : std::vector<size_t>();
  }

  bool ImageOp(const Node& node) {
    const int rank = RankOf(node.inputs[0]);
    if (!IsFirst(node) || rank < 3 || rank > 5 || node.outputs.size() != 1) return false;
    Node last = node;
    if (!TurnWeights(last, rank)) return false;
    const AxisOrder order = LastOrder(rank);
    last.inputs[0] = orders_.In(order, node.inputs[0]);
    for (size_t i : MoreImages(node)) last.inputs[i] = orders_.In(order, node.inputs[i]);
    last.attrs.Set("layout", std::string("channels_last"));
    last.outputs[0] = orders_.NewStored(node.outputs[0], order);
    orders_.Emit(std::move(last));
    return true;
  }

  // Weights as channels_last wants them.
  bool TurnWeights(Node& node, int rank) {
    if (node.op != "Conv" && node.op != "ConvTranspose") return true;
    const ValueId w = node.inputs[1];
    const Value& weights = graph_.value(w);
    if (!weights.IsConstant() || weights.data.rank() != rank) return false;
    AxisOrder order = LastOrder(rank);  // [O,I,k...] kept as [O,k...,I]
    if (node.op == "ConvTranspose") {   // [I,O/group,k...] kept as [O,k...,I/group]
      if (node.attrs.Int("group", 1) != 1) return false;
      std::swap(order[0], order[1]);
    }
    node.inputs[1] = orders_.In(order, w);
    return true;
  }

  // The order that most elements of the inputs have; other than the graph's on a tie.
  AxisOrder Favoured(const Node& node, int rank) const {
    std::map<AxisOrder, double> votes;
    for (ValueId id : node.inputs) {
      if (id == kNoValue || graph_.value(id).IsConstant() || RankOf(id) != rank) continue;
      votes[orders_.order(id)] += RoughCount(graph_.value(id).type);
    }
    AxisOrder best = IdentityOrder(rank);
    double most = votes[best];
    for (const auto& [order, count] : votes) {
      if (IsIdentity(order) || count < most || count == 0) continue;
      best = order;
      most = count;
    }
    return best;
  }

  bool Elementwise(const Node& node) {
    const int rank = RankOf(node.outputs[0]);
    const AxisOrder order = Favoured(node, rank);
    // Nothing may be turned before it is certain that the node is.
    const auto is_turnable = [&](ValueId id) {
      return id == kNoValue || RankOfAny(id) == 0 || RankOfAny(id) == rank || graph_.value(id).IsConstant();
    };
    if (IsIdentity(order) || !std::all_of(node.inputs.begin(), node.inputs.end(), is_turnable)) return false;
    Node turned = node;
    for (ValueId& id : turned.inputs) {
      if (id == kNoValue || RankOfAny(id) == 0) continue;
      if (RankOfAny(id) == rank) {
        id = orders_.In(order, id);
      } else {
        id = Aligned(id, rank);
        if (RankOfAny(id) == rank) id = TurnConstant(graph_, id, ToOrder(order));
      }
    }
    turned.outputs[0] = orders_.NewStored(node.outputs[0], order);
    orders_.Emit(std::move(turned));
    return true;
  }

  int RankOfAny(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.IsConstant() ? value.data.rank() : value.type.rank();
  }

  // A constant of lower rank with the leading extents that broadcasting gives it. One element alone stays.
  ValueId Aligned(ValueId id, int rank) {
    const Value& value = graph_.value(id);
    if (value.data.count() == 1) return id;
    Dims dims(static_cast<size_t>(rank - value.data.rank()), 1);
    dims.insert(dims.end(), value.data.dims().begin(), value.data.dims().end());
    return graph_.AddConstant(value.name, value.data.Reshaped(dims), value.quant);
  }

  // Operators along axes that attributes or constants name: the names change with the order.
  bool AlongAxes(const Node& node) {
    const int rank = RankOf(node.outputs[0]);
    if (node.inputs.empty() || node.inputs[0] == kNoValue || RankOfAny(node.inputs[0]) != rank) return false;
    const AxisOrder order = Favoured(node, rank);
    if (IsIdentity(order)) return false;
    Node turned = node;
    size_t data_inputs = 1;
    if (node.op == "Concat" || node.op == "Split" || node.op == "Softmax" || node.op == "LogSoftmax") {
      if (node.attrs.Int("coerce_2d", 0) != 0) return false;
      turned.attrs.Set("axis", StoredAxis(node.attrs.Int("axis"), order));
      if (node.op == "Concat") data_inputs = node.inputs.size();
    } else if (node.op == "Slice") {
      if (!TurnAxesInput(turned, 3, 1, order)) return false;
    } else if (node.op == "Pad") {
      if (!TurnAxesInput(turned, 3, 1, order)) return false;
    } else if (IsReduction(node)) {
      if (node.attrs.Int("keepdims", 1) != 1 || !node.HasInput(1) || !TurnAxesInput(turned, 1, 1, order))
        return false;
    } else if (node.op == "Resize") {
      if (!TurnResize(turned, order)) return false;
    } else {
      return false;
    }
    for (size_t i = 0; i < data_inputs; ++i) turned.inputs[i] = orders_.In(order, node.inputs[i]);
    for (ValueId& id : turned.outputs) {
      if (id != kNoValue) id = orders_.NewStored(id, order);
    }
    orders_.Emit(std::move(turned));
    return true;
  }

  static bool IsReduction(const Node& node) {
    const OpDef* op = FindOp(node.op);
    return op != nullptr && op->group == "reduce" && node.op.starts_with("Reduce") &&
           node.op != "ReduceWindow";
  }

  static int64_t StoredAxis(int64_t axis, const AxisOrder& order) {
    const auto rank = static_cast<int64_t>(order.size());
    return order[static_cast<size_t>(axis < 0 ? axis + rank : axis)];
  }

  ValueId AddInts(const std::string& name, const Ints& values) {
    return graph_.AddConstant(
        name, Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(values.size())}, values));
  }

  // Input `at` names axes; where it is left out, the first as many as input `counted` has entries (Pad:
  // half).
  bool TurnAxesInput(Node& node, size_t at, size_t counted, const AxisOrder& order) {
    Ints axes;
    if (node.HasInput(at)) {
      if (!graph_.value(node.inputs[at]).IsConstant()) return false;
      axes = IntsOf(graph_.value(node.inputs[at]).data);
    } else {
      const Type& list = graph_.value(node.inputs[counted]).type;
      if (!list.IsStatic() || list.rank() != 1) return false;
      const int64_t count = (*list.shape)[0].value() / (node.op == "Pad" ? 2 : 1);
      for (int64_t axis = 0; axis < count; ++axis) axes.push_back(axis);
    }
    if (axes.size() > order.size()) return false;
    for (int64_t& axis : axes) {
      if (axis < -static_cast<int64_t>(order.size()) || axis >= static_cast<int64_t>(order.size()))
        return false;
      axis = StoredAxis(axis, order);
    }
    while (node.inputs.size() <= at) node.inputs.push_back(kNoValue);
    node.inputs[at] = AddInts(node.name + "/axes", axes);
    return true;
  }

  bool TurnResize(Node& node, const AxisOrder& order) {
    Ints axes = node.attrs.IntList("axes");
    if (axes.empty()) axes = IdentityOrder(static_cast<int>(order.size()));
    for (int64_t& axis : axes) axis = StoredAxis(axis, order);
    // In rising order where all are constants: what kernels look for.
    const bool is_whole = axes.size() == order.size();
    if (!is_whole) {
      node.attrs.Set("axes", axes);
      return true;
    }
    node.attrs.Set("axes", Ints{});
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      const Value& value = graph_.value(node.inputs[i]);
      if (!value.IsConstant() || value.data.count() % static_cast<int64_t>(axes.size()) != 0) return false;
      if (value.data.count() == 0) continue;
      node.inputs[i] = TurnedList(node.inputs[i], axes);
    }
    return true;
  }

  // One entry per axis, or as many groups of that (begins, ends).
  ValueId TurnedList(ValueId id, const AxisOrder& order) {
    const Value& value = graph_.value(id);
    Tensor turned = value.data.Clone();
    const auto rank = static_cast<int64_t>(order.size());
    for (int64_t i = 0; i < turned.count(); ++i) {
      const int64_t to = i / rank * rank + order[static_cast<size_t>(i % rank)];
      if (IsFloat(turned.dtype()))
        StoreReal(turned.dtype(), turned.data(), to, LoadReal(value.data.dtype(), value.data.data(), i));
      else
        StoreInt(turned.dtype(), turned.data(), to, LoadInt(value.data.dtype(), value.data.data(), i));
    }
    return graph_.AddConstant(value.name, std::move(turned));
  }

  // A Reshape that splits one axis splits it where it is kept; one of which all that moved has extent 1 reads
  // the stored value as it is.
  bool ReshapeOp(const Node& node) {
    const ValueId in = node.inputs[0];
    if (graph_.value(in).IsConstant()) return false;
    const AxisOrder& order = orders_.order(in);
    const Type& from = graph_.value(in).type;
    const Type& to = graph_.value(node.outputs[0]).type;
    if (IsIdentity(order) || !from.IsStatic() || !to.IsStatic()) return false;
    const Dims a = KnownDims(*from.shape);
    const Dims b = KnownDims(*to.shape);
    size_t axis = 0;
    while (axis < a.size() && axis < b.size() && a[axis] == b[axis]) ++axis;
    if (b.size() <= a.size() || axis == a.size()) return false;
    const size_t parts = b.size() - a.size() + 1;
    int64_t product = 1;
    for (size_t i = 0; i < parts; ++i) product *= b[axis + i];
    if (product != a[axis] || !std::equal(a.begin() + static_cast<int64_t>(axis) + 1, a.end(),
                                          b.begin() + static_cast<int64_t>(axis + parts)))
      return false;
    AxisOrder split;
    const int64_t place = order[axis];
    for (size_t i = 0; i < a.size(); ++i) {
      if (i == axis) {
        for (size_t part = 0; part < parts; ++part) split.push_back(place + static_cast<int64_t>(part));
      } else {
        split.push_back(order[i] + (order[i] > place ? static_cast<int64_t>(parts) - 1 : 0));
      }
    }
    Node turned;
    turned.op = "Reshape";
    turned.name = node.name;
    turned.sources = node.sources;
    const ValueId stored = orders_.In(order, in);
    turned.inputs = {stored, AddInts(node.name + "/shape", ToStored(b, split))};
    turned.outputs = {orders_.NewStored(node.outputs[0], split)};
    orders_.Emit(std::move(turned));
    return true;
  }

  AxisOrders orders_;
  Graph& graph_;
};

double MovedElements(const Graph& graph) {
  double moved = 0;
  for (const Node& node : graph.nodes) {
    if (node.inputs.empty() || node.inputs[0] == kNoValue) continue;
    const double in = RoughCount(graph.value(node.inputs[0]).type);
    if (node.op == "Transpose") moved += in;
    // A little more than as much: last is better where it costs the same.
    if (MovesInside(node)) moved += 1.01 * (in + RoughCount(graph.value(node.outputs[0]).type));
  }
  return moved;
}

}  // namespace

Result<bool> UseChannelsLast(Graph& graph) {
  const double before = MovedElements(graph);
  if (before == 0) return false;
  Graph turned = graph;
  ChannelsLast(turned, AxisMode::kRehearsal).Run();
  SLIPWAY_RETURN_IF_ERROR(EliminateDead(turned).status());
  if (MovedElements(turned) >= before) return false;
  ChannelsLast(graph, AxisMode::kReal).Run();
  return true;
}

}  // namespace slipway
