// Batch normalisation behind a convolution or fully connected layer.
//   BatchNormalization(Conv(x, w, b), scale, B, mean, var)   =>   Conv(x, w * s, (b - mean) * s + B),
//   s = scale / sqrt(var + epsilon)
// Left alone: where the convolution's result has other readers, or a parameter is not constant.
#include <cmath>

#include "base/scalar.h"
#include "passes/fold_affine.h"
#include "passes/pass.h"

namespace slipway {
namespace {

std::optional<std::vector<double>> Parameter(GraphView& view, const Node& node, size_t i, int64_t channels) {
  if (!node.HasInput(i)) return std::nullopt;
  const Tensor* tensor = view.Constant(node.inputs[i]);
  if (tensor == nullptr || tensor->count() != channels || !IsFloat(tensor->dtype())) return std::nullopt;
  std::vector<double> values(static_cast<size_t>(channels));
  for (int64_t c = 0; c < channels; ++c)
    values[static_cast<size_t>(c)] = LoadReal(tensor->dtype(), tensor->data(), c);
  return values;
}

bool FoldOne(GraphView& view, Node& node) {
  if (node.op != "BatchNormalization" || node.outputs.size() != 1) return false;
  const auto target = FindAffineTarget(view, node.inputs[0]);
  if (!target || target->node->attrs.String("layout") != node.attrs.String("layout")) return false;
  const auto scale = Parameter(view, node, 1, target->channels);
  const auto offset = Parameter(view, node, 2, target->channels);
  const auto mean = Parameter(view, node, 3, target->channels);
  const auto variance = Parameter(view, node, 4, target->channels);
  if (!scale || !offset || !mean || !variance) return false;
  const double epsilon = node.attrs.Float("epsilon");
  std::vector<double> factor(scale->size());
  std::vector<double> shift(scale->size());
  for (size_t c = 0; c < factor.size(); ++c) {
    factor[c] = (*scale)[c] / std::sqrt((*variance)[c] + epsilon);
    shift[c] = (*offset)[c] - (*mean)[c] * factor[c];
  }
  ApplyAffine(view, *target, factor, shift);
  TakeOver(view, *target->node, node);
  return true;
}

}  // namespace

Result<bool> FoldBatchNorm(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) FoldOne(view, node);
  return view.Finish();
}

}  // namespace slipway
