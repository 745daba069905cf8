// Layers side by side that read one input are one layer with all their weights, and a Split of its result.
//   FullyConnected(x, w1, b1), FullyConnected(x, w2, b2), ...
//     =>   Split(FullyConnected(x, [w1; w2; ...], [b1; b2; ...]), last axis)         queries, keys and values
//   Conv likewise, where windows and all attributes are alike                          YOLO's C3, Inception
// One layer reads x once and is cut into even tasks; it pays only where the readers of the parts can read
// rows with gaps, so that the Split needs no copy. Hence on demand. Left alone: groups, residuals, weights
// that are not constant f32 or that others read, results of unknown rank.
#include <algorithm>
#include <cstring>
#include <map>

#include "ops/nn/residual.h"
#include "ops/nn/window.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

bool IsSameAttr(const Attr& a, const Attr& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Tensor> || std::is_same_v<T, GraphRef>) {
          return false;
        } else {
          return value == std::get<T>(b);
        }
      },
      a);
}

bool HaveSameAttrs(const Node& a, const Node& b) {
  return std::equal(
      a.attrs.begin(), a.attrs.end(), b.attrs.begin(), b.attrs.end(),
      [](const auto& x, const auto& y) { return x.first == y.first && IsSameAttr(x.second, y.second); });
}

bool IsConstantF32(GraphView& view, ValueId id) {
  const Tensor* tensor = view.Constant(id);
  return tensor != nullptr && tensor->dtype() == DType::kF32 && !view.graph().value(id).quant;
}

// Of the result; nullopt: not a layer that can be merged.
std::optional<int> ChannelAxisOf(GraphView& view, const Node& node) {
  const bool is_conv = node.op == "Conv";
  if ((!is_conv && node.op != "FullyConnected") || node.outputs.size() != 1) return std::nullopt;
  const Graph& graph = view.graph();
  if (node.HasInput(kResidualInput) || node.attrs.Int("group", 1) != 1) return std::nullopt;
  if (!IsConstantF32(view, node.inputs[1]) || view.UseCount(node.inputs[1]) != 1) return std::nullopt;
  if (node.HasInput(2) && !IsConstantF32(view, node.inputs[2])) return std::nullopt;
  const Type& type = graph.value(node.outputs[0]).type;
  if (graph.value(node.inputs[0]).type.dtype != DType::kF32 || !type.HasRank()) return std::nullopt;
  return is_conv ? ChannelAxis(LayoutOf(node.attrs), type.rank()) : type.rank() - 1;
}

bool AreSiblings(const Graph& graph, const Node& a, const Node& b) {
  if (a.op != b.op || a.inputs[0] != b.inputs[0] || a.HasInput(2) != b.HasInput(2) || !HaveSameAttrs(a, b))
    return false;
  const Dims& v = graph.value(a.inputs[1]).data.dims();
  const Dims& w = graph.value(b.inputs[1]).data.dims();
  return v.size() == w.size() && std::equal(v.begin() + 1, v.end(), w.begin() + 1);
}

// One behind another along the first axis.
Tensor Joined(const Graph& graph, const std::vector<Node*>& layers, size_t input) {
  Dims dims = graph.value(layers[0]->inputs[input]).data.dims();
  dims[0] = 0;
  for (const Node* layer : layers) dims[0] += graph.value(layer->inputs[input]).data.dim(0);
  Tensor joined(DType::kF32, dims);
  auto* to = static_cast<uint8_t*>(joined.data());
  for (const Node* layer : layers) {
    const Tensor& part = graph.value(layer->inputs[input]).data;
    std::memcpy(to, part.data(), static_cast<size_t>(part.size_bytes()));
    to += part.size_bytes();
  }
  return joined;
}

// The first becomes the layer, the second the Split; the others go.
Status Merge(GraphView& view, const std::vector<Node*>& layers, int axis) {
  Graph& graph = view.graph();
  Node& layer = *layers[0];
  Node& split = *layers[1];
  Ints extents;
  std::vector<ValueId> parts;
  for (const Node* each : layers) {
    extents.push_back(graph.value(each->inputs[1]).data.dim(0));
    parts.push_back(each->outputs[0]);
  }
  const ValueId weights = graph.AddConstant(graph.value(layer.inputs[1]).name, Joined(graph, layers, 1));
  const ValueId bias = layer.HasInput(2)
                           ? graph.AddConstant(graph.value(layer.inputs[2]).name, Joined(graph, layers, 2))
                           : kNoValue;
  Value whole;
  whole.name = layer.name + "/all";
  whole.type = graph.value(parts[0]).type;
  (*whole.type.shape)[static_cast<size_t>(axis)] = Dim(graph.value(weights).data.dim(0));
  std::vector<ValueId> old_weights;
  for (Node* each : layers) {
    old_weights.push_back(each->inputs[1]);
    if (each != &layer) MergeSources(layer, *each);
    if (each != &layer && each != &split) view.Drop(*each);
  }
  layer.inputs[1] = weights;
  if (bias != kNoValue) layer.inputs[2] = bias;
  layer.outputs = {graph.AddValue(std::move(whole))};
  const auto count = static_cast<int64_t>(extents.size());
  const ValueId cuts =
      graph.AddConstant(split.name + "/split", Tensor::From<int64_t>(DType::kI64, {count}, extents));
  SLIPWAY_RETURN_IF_ERROR(Become(split, "Split", {layer.outputs[0], cuts}, {{"axis", int64_t{axis}}}));
  split.outputs = std::move(parts);
  view.Update(layer);
  view.Update(split);
  for (const ValueId old : old_weights) view.ReleaseUnread(old);
  return Status::Ok();
}

}  // namespace

Result<bool> MergeSiblings(Graph& graph) {
  GraphView view(graph);
  std::map<ValueId, std::vector<Node*>> readers;  // layers by their input, in order
  for (Node& node : graph.nodes) {
    if (ChannelAxisOf(view, node)) readers[node.inputs[0]].push_back(&node);
  }
  bool has_changed = false;
  for (auto& [input, layers] : readers) {
    while (layers.size() > 1) {
      std::vector<Node*> siblings = {layers[0]};
      std::vector<Node*> others;
      for (size_t i = 1; i < layers.size(); ++i)
        (AreSiblings(graph, *layers[0], *layers[i]) ? siblings : others).push_back(layers[i]);
      if (siblings.size() > 1) {
        const int axis = *ChannelAxisOf(view, *siblings[0]);
        SLIPWAY_RETURN_IF_ERROR(Merge(view, siblings, axis));
        has_changed = true;
      }
      layers = std::move(others);
    }
  }
  view.Finish();
  return has_changed;
}

}  // namespace slipway
