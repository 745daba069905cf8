#include "passes/fold_affine.h"

#include <algorithm>

#include "base/scalar.h"
#include "ops/nn/residual.h"

namespace slipway {
namespace {

// Inputs of the operators that can take an affine map: x, weights [O,...], bias [O].
bool IsKnownTarget(const Node& node) { return node.op == "Conv" || node.op == "FullyConnected"; }

// Row c, of the first axis, times factors[c].
Tensor ScaledRows(const Tensor& tensor, const std::vector<double>& factors) {
  Tensor scaled = tensor.Clone();
  const auto rows = static_cast<int64_t>(factors.size());
  const int64_t width = rows == 0 ? 0 : tensor.count() / rows;
  float* row = scaled.as<float>();
  for (const double factor : factors) {
    for (int64_t i = 0; i < width; ++i) row[i] = static_cast<float>(row[i] * factor);
    row += width;
  }
  return scaled;
}

}  // namespace

std::optional<AffineTarget> FindAffineTarget(GraphView& view, ValueId result) {
  Node* node = view.Producer(result);
  if (node == nullptr || !IsKnownTarget(*node) || node->outputs.size() != 1 || !view.IsOnlyReadOnce(result))
    return std::nullopt;
  if (node->attrs.String("activation") != "none" || node->HasInput(kResidualInput)) return std::nullopt;
  const Graph& graph = view.graph();
  const Tensor* weights = view.Constant(node->inputs[1]);
  if (weights == nullptr || weights->dtype() != DType::kF32 || weights->rank() < 1) return std::nullopt;
  const bool is_quantized = graph.value(node->inputs[0]).quant || graph.value(node->inputs[1]).quant;
  const Type& type = graph.value(result).type;
  if (is_quantized || type.dtype != DType::kF32 || !type.HasRank()) return std::nullopt;
  if (node->HasInput(2)) {
    const Tensor* bias = view.Constant(node->inputs[2]);
    if (bias == nullptr || bias->dtype() != DType::kF32) return std::nullopt;
  }
  AffineTarget target;
  target.node = node;
  target.channels = weights->dim(0);
  target.rank = type.rank();
  const bool is_channels_first = node->op == "Conv" && node->attrs.String("layout") != "channels_last";
  target.channel_axis = is_channels_first ? 1 : target.rank - 1;
  return target;
}

void ApplyAffine(GraphView& view, const AffineTarget& target, const std::vector<double>& scale,
                 const std::vector<double>& shift) {
  Graph& graph = view.graph();
  Node& node = *target.node;
  const ValueId old_weights = node.inputs[1];
  if (std::ranges::any_of(scale, [](double factor) { return factor != 1; })) {
    const std::string name = graph.value(old_weights).name;
    node.inputs[1] = graph.AddConstant(name, ScaledRows(graph.value(old_weights).data, scale));
  }
  Tensor bias(DType::kF32, {target.channels});
  std::string bias_name = node.name + "/bias";
  const Tensor* old_bias = node.HasInput(2) ? view.Constant(node.inputs[2]) : nullptr;
  if (old_bias != nullptr) bias_name = graph.value(node.inputs[2]).name;
  for (int64_t c = 0; c < target.channels; ++c) {
    const double old = old_bias ? old_bias->as<float>()[c] : 0;
    bias.as<float>()[c] =
        static_cast<float>(old * scale[static_cast<size_t>(c)] + shift[static_cast<size_t>(c)]);
  }
  const ValueId new_bias = graph.AddConstant(bias_name, std::move(bias));
  if (node.inputs.size() < 3) node.inputs.resize(3, kNoValue);
  node.inputs[2] = new_bias;
  view.Update(node);
  view.ReleaseUnread(old_weights);
}

void TakeOver(GraphView& view, Node& target, Node& follower) {
  target.outputs[0] = follower.outputs[0];
  MergeSources(target, follower);
  view.Drop(follower);
  view.Update(target);
}

}  // namespace slipway
