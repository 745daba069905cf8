// Linear layers in one form.
//   MatMul(x, w [K,N])                             =>   FullyConnected(x, w^T [N,K], keep_num_dims = 1)
//   Gemm(x, w, c), alpha, beta, transB             =>   FullyConnected(x, alpha * w^T, beta * c)
// An Add behind becomes the bias by fuse_conv_bias.
// Left alone: weights that are not a constant f32 matrix or that other operators read, a transposed left
// side, an addend that is not one row.
#include <algorithm>
#include <map>

#include "base/scalar.h"
#include "ops/transpose_tensor.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

bool IsProduct(const Node& node) { return node.op == "MatMul" || node.op == "Gemm"; }

bool Flag(const Node& node, const char* matmul, const char* gemm) {
  return node.attrs.Int(node.op == "MatMul" ? matmul : gemm) != 0;
}

bool IsF32OfRank(const Graph& graph, ValueId id, int least, int most) {
  const Value& value = graph.value(id);
  return value.type.dtype == DType::kF32 && !value.quant && value.type.HasRank() &&
         value.type.rank() >= least && value.type.rank() <= most;
}

// What of the node is constant and fits; the layer's weights [N,K] are w or its transpose.
bool IsLinear(GraphView& view, const Node& node) {
  if (!IsProduct(node) || Flag(node, "transpose_a", "transA")) return false;
  const Graph& graph = view.graph();
  const bool is_gemm = node.op == "Gemm";
  constexpr int kMostAxes = 8;
  if (!IsF32OfRank(graph, node.inputs[0], 2, is_gemm ? 2 : kMostAxes)) return false;
  const Tensor* w = view.Constant(node.inputs[1]);
  if (w == nullptr || w->count() == 0 || !IsF32OfRank(graph, node.inputs[1], 2, 2)) return false;
  if (!is_gemm || !node.HasInput(2)) return true;
  const Tensor* c = view.Constant(node.inputs[2]);
  const int64_t units = w->dim(Flag(node, "transpose_b", "transB") ? 0 : 1);
  return c != nullptr && c->dtype() == DType::kF32 && PerChannel(*c, 2, 1, units).has_value();
}

Tensor Scaled(Tensor tensor, float factor) {
  if (factor == 1) return tensor;
  Tensor result = tensor.Clone();
  for (float& value : result.values<float>()) value *= factor;
  return result;
}

class Linearizer {
 public:
  explicit Linearizer(Graph& graph) : view_(graph) {}

  Result<bool> Run() {
    CountReaders();
    bool has_changed = false;
    for (Node& node : view_.graph().nodes) {
      if (!IsLinear(view_, node) || !AreAllReadersLinear(node.inputs[1])) continue;
      SLIPWAY_RETURN_IF_ERROR(Rewrite(node));
      has_changed = true;
    }
    return has_changed;
  }

 private:
  void CountReaders() {
    uses_ = view_.graph().UseCounts();
    linear_uses_.assign(uses_.size(), 0);
    for (const Node& node : view_.graph().nodes) {
      if (IsLinear(view_, node)) ++linear_uses_[static_cast<size_t>(node.inputs[1])];
    }
  }

  // Else the weights would be held twice.
  bool AreAllReadersLinear(ValueId id) const {
    const auto i = static_cast<size_t>(id);
    return i < uses_.size() && uses_[i] == linear_uses_[i];
  }

  // One constant for all layers that share weights, unless they scale them.
  ValueId WeightsOf(const Node& node, float alpha) {
    const ValueId id = node.inputs[1];
    const bool is_turned = Flag(node, "transpose_b", "transB");
    if (is_turned && alpha == 1) return id;
    const auto key = std::pair(id, std::pair(is_turned, alpha));
    if (const auto found = weights_.find(key); found != weights_.end()) return found->second;
    Graph& graph = view_.graph();
    const Tensor& old = graph.value(id).data;
    Tensor w = Scaled(is_turned ? old : TransposeTensor(old, {1, 0}), alpha);
    const ValueId made = graph.AddConstant(graph.value(id).name, std::move(w));
    return weights_[key] = made;
  }

  ValueId BiasOf(const Node& node, int64_t units) {
    if (node.op != "Gemm" || !node.HasInput(2)) return kNoValue;
    Graph& graph = view_.graph();
    const auto beta = static_cast<double>(node.attrs.Float("beta", 1));
    const std::vector<double> values = *PerChannel(graph.value(node.inputs[2]).data, 2, 1, units);
    Tensor bias(DType::kF32, {units});
    for (int64_t i = 0; i < units; ++i)
      bias.as<float>()[i] = static_cast<float>(beta * values[static_cast<size_t>(i)]);
    return graph.AddConstant(graph.value(node.inputs[2]).name, std::move(bias));
  }

  Status Rewrite(Node& node) {
    const bool is_gemm = node.op == "Gemm";
    const ValueId old = node.inputs[1];
    const ValueId w = WeightsOf(node, is_gemm ? node.attrs.Float("alpha", 1) : 1.0F);
    const ValueId bias = BiasOf(node, view_.graph().value(w).data.dim(0));
    Attrs attrs = {{"keep_num_dims", int64_t{1}}};
    for (const char* name : {"activation", "activation_alpha", "activation_beta"}) {
      if (const Attr* attr = node.attrs.Find(name)) attrs.Set(name, *attr);
    }
    std::vector<ValueId> inputs = {node.inputs[0], w};
    if (bias != kNoValue) inputs.push_back(bias);
    SLIPWAY_RETURN_IF_ERROR(Become(node, "FullyConnected", std::move(inputs), std::move(attrs)));
    view_.Update(node);
    if (w != old) view_.ReleaseUnread(old);
    return Status::Ok();
  }

  GraphView view_;
  std::vector<int> uses_, linear_uses_;
  std::map<std::pair<ValueId, std::pair<bool, float>>, ValueId> weights_;
};

}  // namespace

Result<bool> FuseLinear(Graph& graph) { return Linearizer(graph).Run(); }

}  // namespace slipway
