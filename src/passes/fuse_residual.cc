// A sum behind a convolution or fully connected layer.
//   Add(Conv(x, w, b), r)                          =>   Conv(x, w, b, residual = r)
//   Add(Conv(x, w, b), r, activation = relu)       =>   the same with activation = relu: act(... + r), ResNet
//   Add(Conv(x, w, b, activation = silu), r)       =>   the same with residual_order = after_activation,
//   YOLOv5
// Of two layers the later one takes the sum: the other's result is there by then.
// Left alone: operands of other shapes (they would have to broadcast), constants, results that others read,
// layers that have a residual, activations on both sides, all that is not f32.
#include <array>

#include "ops/nn/residual.h"
#include "passes/fold_affine.h"
#include "passes/pass.h"

namespace slipway {
namespace {

bool IsPlainF32(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  return value.type.dtype == DType::kF32 && !value.quant;
}

bool IsSameShape(const Type& a, const Type& b) {
  if (!a.HasRank() || !b.HasRank() || a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (!(*a.shape)[static_cast<size_t>(i)].SurelyEquals((*b.shape)[static_cast<size_t>(i)])) return false;
  }
  return true;
}

bool HasActivation(const Node& node) { return node.attrs.String("activation") != "none"; }

// The layer that computes `sum`'s operand and may take the other one; else null.
Node* LayerOf(GraphView& view, const Node& sum, size_t side) {
  const ValueId result = sum.inputs[side];
  Node* layer = view.Producer(result);
  if (layer == nullptr || (layer->op != "Conv" && layer->op != "FullyConnected")) return nullptr;
  if (!view.IsOnlyReadOnce(result) || layer->HasInput(kResidualInput)) return nullptr;
  if (HasActivation(*layer) && HasActivation(sum)) return nullptr;
  const Graph& graph = view.graph();
  const bool is_plain =
      IsPlainF32(graph, layer->inputs[0]) && IsPlainF32(graph, layer->inputs[1]) && IsPlainF32(graph, result);
  return is_plain ? layer : nullptr;
}

void TakeSum(GraphView& view, Node& layer, Node& sum, ValueId residual) {
  layer.inputs.resize(kResidualInput + 1, kNoValue);
  layer.inputs[kResidualInput] = residual;
  const bool is_after = HasActivation(layer);
  layer.attrs.Set("residual_order", std::string(is_after ? "after_activation" : "before_activation"));
  if (!is_after) {
    for (const char* name : {"activation", "activation_alpha", "activation_beta"})
      layer.attrs.Set(name, *sum.attrs.Find(name));
  }
  TakeOver(view, layer, sum);
}

void FuseOne(GraphView& view, Node& sum) {
  if (sum.op != "Add" || sum.inputs.size() != 2 || sum.inputs[0] == sum.inputs[1]) return;
  const Graph& graph = view.graph();
  for (const ValueId id : sum.inputs) {
    if (!IsPlainF32(graph, id) || view.Constant(id) != nullptr) return;
  }
  if (!IsSameShape(graph.value(sum.inputs[0]).type, graph.value(sum.inputs[1]).type)) return;
  const std::array<Node*, 2> layers = {LayerOf(view, sum, 0), LayerOf(view, sum, 1)};
  // Nodes stand in order: the later has the higher address.
  const size_t side = layers[1] > layers[0] ? 1 : 0;
  if (layers[side] != nullptr) TakeSum(view, *layers[side], sum, sum.inputs[1 - side]);
}

}  // namespace

Result<bool> FuseResidual(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) FuseOne(view, node);
  return view.Finish();
}

}  // namespace slipway
