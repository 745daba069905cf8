// An activation behind an operator that can apply it while storing.
//   Relu(Conv(...))                =>   Conv(..., activation = relu)
//   Clip(Conv(...), lo, hi)        =>   Conv(..., activation = clip, alpha = lo, beta = hi); relu6 for 0 and
//   6 Sigmoid, Tanh, HardSwish, LeakyRelu, Swish(alpha = 1), Gelu likewise
// Left alone: results with other readers, second results, quantised tensors, operators whose record has not
// this activation, and recurrent ones, whose activation stands within the recurrence.
#include <algorithm>
#include <limits>

#include "base/scalar.h"
#include "ops/op.h"
#include "passes/fold_affine.h"
#include "passes/pass.h"

namespace slipway {
namespace {

struct Fusable {
  std::string activation;
  float alpha = 0;
  float beta = 0;
};

std::optional<Fusable> AsClip(GraphView& view, const Node& node) {
  const auto bound = [&](size_t i, float otherwise) -> std::optional<float> {
    if (!node.HasInput(i)) return otherwise;
    const Tensor* tensor = view.Constant(node.inputs[i]);
    if (tensor == nullptr || tensor->count() != 1) return std::nullopt;
    return static_cast<float>(LoadReal(tensor->dtype(), tensor->data(), 0));
  };
  const auto low = bound(1, std::numeric_limits<float>::lowest());
  const auto high = bound(2, std::numeric_limits<float>::max());
  if (!low || !high) return std::nullopt;
  if (*low == 0 && *high == 6) return Fusable{"relu6"};
  if (*low == -1 && *high == 1) return Fusable{"relu_n1_to_1"};
  return Fusable{"clip", *low, *high};
}

std::optional<Fusable> AsActivation(GraphView& view, const Node& node) {
  if (node.op == "Relu") return Fusable{"relu"};
  if (node.op == "Clip") return AsClip(view, node);
  if (node.op == "Sigmoid") return Fusable{"sigmoid"};
  if (node.op == "Tanh") return Fusable{"tanh"};
  if (node.op == "HardSwish") return Fusable{"hard_swish"};
  if (node.op == "Gelu") return Fusable{node.attrs.String("approximate") == "tanh" ? "gelu_tanh" : "gelu"};
  if (node.op == "LeakyRelu") return Fusable{"leaky_relu", node.attrs.Float("alpha")};
  if (node.op == "Swish" && node.attrs.Float("alpha") == 1) return Fusable{"silu"};
  return std::nullopt;
}

// Matrix-like operators gain; element-wise ones too, by one pass over memory.
bool CanApply(const Node& node, const std::string& activation) {
  const OpDef* op = FindOp(node.op);
  if (op == nullptr || op->group == "rnn" || node.op == "Concat") return false;
  if (node.attrs.String("activation") != "none") return false;
  return std::any_of(op->attrs.begin(), op->attrs.end(), [&](const AttrDef& attr) {
    const auto& choices = attr.choices;
    return attr.name == "activation" &&
           std::find(choices.begin(), choices.end(), activation) != choices.end();
  });
}

bool FuseOne(GraphView& view, Node& node) {
  const auto fusable = AsActivation(view, node);
  if (!fusable || node.inputs.empty()) return false;
  const ValueId middle = node.inputs[0];
  Node* producer = view.Producer(middle);
  if (producer == nullptr || producer->outputs[0] != middle || !view.IsOnlyReadOnce(middle)) return false;
  if (!CanApply(*producer, fusable->activation)) return false;
  const Graph& graph = view.graph();
  const bool is_plain = graph.value(middle).type.dtype == DType::kF32 && !graph.value(middle).quant &&
                        !graph.value(producer->inputs[0]).quant;
  if (!is_plain) return false;
  producer->attrs.Set("activation", fusable->activation);
  // Without an activation the sides of it were one; now the sum comes first.
  if (producer->attrs.Has("residual_order"))
    producer->attrs.Set("residual_order", std::string("before_activation"));
  if (fusable->alpha != 0 || fusable->beta != 0) {
    producer->attrs.Set("activation_alpha", fusable->alpha);
    producer->attrs.Set("activation_beta", fusable->beta);
  }
  TakeOver(view, *producer, node);
  return true;
}

}  // namespace

Result<bool> FuseActivation(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) FuseOne(view, node);
  return view.Finish();
}

}  // namespace slipway
