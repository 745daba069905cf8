// Swish (SiLU) spelt out.
//   Mul(x, Sigmoid(x))   =>   Swish(x, alpha = 1)
// Left alone: quantised tensors (their rounding in between is part of the result), sigmoids with other
// readers.
#include "ops/op.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {

Result<bool> FuseSilu(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) {
    if (node.op != "Mul" || node.inputs.size() != 2 || node.attrs.String("activation") != "none") continue;
    for (const size_t side : {0, 1}) {
      Node* sigmoid = view.Producer(node.inputs[side]);
      const ValueId x = node.inputs[1 - side];
      const bool is_match = sigmoid != nullptr && sigmoid->op == "Sigmoid" && sigmoid->inputs[0] == x &&
                            view.IsOnlyReadOnce(node.inputs[side]) && !graph.value(x).quant &&
                            IsFloat(graph.value(x).type.dtype);
      if (!is_match) continue;
      node.op = "Swish";
      node.attrs = {{"alpha", 1.0f}};
      node.inputs = {x};
      MergeSources(node, *sigmoid);
      view.Update(node);
      view.Drop(*sigmoid);
      break;
    }
  }
  return view.Finish();
}

}  // namespace slipway
