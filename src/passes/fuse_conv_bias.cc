// Per-channel constants behind a convolution or fully connected layer.
//   Add(Conv(x, w, b), c)   =>   Conv(x, w, b + c)
//   Sub(Conv(x, w, b), c)   =>   Conv(x, w, b - c)
//   Mul(Conv(x, w, b), c)   =>   Conv(x, w * c, b * c)
//   Div(Conv(x, w, b), c)   =>   Conv(x, w / c, b / c)
// Left alone: constants that vary along another axis, results with other readers, fused activations in
// between.
#include "passes/fold_affine.h"
#include "passes/pass.h"

namespace slipway {
namespace {

bool FuseOne(GraphView& view, Node& node) {
  const bool is_symmetric = node.op == "Add" || node.op == "Mul";
  if (!is_symmetric && node.op != "Sub" && node.op != "Div") return false;
  if (node.inputs.size() != 2 || node.attrs.String("activation") != "none") return false;
  for (const size_t side : {0, 1}) {
    if (side == 1 && !is_symmetric) return false;
    const auto target = FindAffineTarget(view, node.inputs[side]);
    const Tensor* constant = view.Constant(node.inputs[1 - side]);
    if (!target || constant == nullptr) continue;
    const auto values = PerChannel(*constant, target->rank, target->channel_axis, target->channels);
    if (!values) continue;
    std::vector<double> scale(values->size(), 1);
    std::vector<double> shift(values->size(), 0);
    for (size_t c = 0; c < values->size(); ++c) {
      if (node.op == "Add") shift[c] = (*values)[c];
      if (node.op == "Sub") shift[c] = -(*values)[c];
      if (node.op == "Mul") scale[c] = (*values)[c];
      if (node.op == "Div") scale[c] = 1 / (*values)[c];
    }
    ApplyAffine(view, *target, scale, shift);
    TakeOver(view, *target->node, node);
    return true;
  }
  return false;
}

}  // namespace

Result<bool> FuseConvBias(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) FuseOne(view, node);
  return view.Finish();
}

}  // namespace slipway
