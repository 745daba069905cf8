// Linear attention: a state matrix per head instead of a key/value cache, as ONNX's LinearAttention-27 has
// it.
//
// update_rule chooses the recurrence: linear (Katharopoulos et al., 2020), gated (Yang et al., 2023: GLA),
// delta (Schlag et al., 2021) and gated_delta (Yang et al., 2024: Gated DeltaNet). Token by token, in double.
#include <cmath>

#include "base/scalar.h"
#include "ops/attention/heads.h"
#include "ops/contrib/contrib.h"

namespace slipway {
namespace {

enum Input : size_t { kQuery, kKey, kValue, kPastState, kDecay, kBeta };

bool IsGated(const Attrs& attrs) {
  const std::string& rule = attrs.String("update_rule");
  return rule == "gated" || rule == "gated_delta";
}
bool IsDelta(const Attrs& attrs) {
  const std::string& rule = attrs.String("update_rule");
  return rule == "delta" || rule == "gated_delta";
}

// Gates are [B,L,width] with one of two widths.
Status CheckGate(const InferContext& context, size_t i, Dim& batch, Dim& length, const Dim& wide,
                 const Dim& narrow) {
  if (!context.shape(i)) return Status::Ok();
  const DimList& shape = *context.shape(i);
  const std::string& name = context.op().inputs[i].name;
  if (shape.size() != 3) return context.Error(name + " " + ToString(shape) + " must have rank 3");
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "the batch", batch, shape[0]));
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "the sequence length", length, shape[1]));
  if (!shape[2].IsKnown() || !wide.IsKnown()) return Status::Ok();
  const int64_t width = shape[2].value();
  if (width == wide.value() || width == narrow.value()) return Status::Ok();
  return context.Error(name + " " + ToString(shape) + " must have " + wide.ToString() + " or " +
                       narrow.ToString() + " as its last extent");
}

Status CheckPresence(const InferContext& context, size_t i, bool is_needed) {
  if (context.HasInput(i) == is_needed) return Status::Ok();
  return context.Error("update_rule '" + context.attrs().String("update_rule") + "' " +
                       (is_needed ? "needs " : "takes no ") + context.op().inputs[i].name);
}

Status Infer(InferContext& context) {
  Dim batch, length, key_length, value_length, d_k, d_v;
  Dim q_heads(context.attrs().Int("q_num_heads"));
  Dim kv_heads(context.attrs().Int("kv_num_heads"));
  for (size_t i : {kQuery, kKey, kValue}) {
    if (context.shape(i) && context.shape(i)->size() != 3) {
      return context.Error(context.op().inputs[i].name + " " + ToString(*context.shape(i)) +
                           " must have rank 3");
    }
  }
  SLIPWAY_RETURN_IF_ERROR(CheckGroups(context, q_heads, kv_heads));
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kQuery, batch, q_heads, length, d_k));
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kKey, batch, kv_heads, length, d_k));
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kValue, batch, kv_heads, length, d_v));
  DType state = context.dtype(kQuery);
  if (context.HasInput(kPastState)) {
    state = context.dtype(kPastState);
    const auto& shape = context.shape(kPastState);
    if (shape && shape->size() != 4) {
      return context.Error("past_state " + ToString(*shape) + " must have rank 4");
    }
    SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kPastState, batch, kv_heads, d_k, d_v));
  }
  SLIPWAY_RETURN_IF_ERROR(CheckPresence(context, kDecay, IsGated(context.attrs())));
  SLIPWAY_RETURN_IF_ERROR(CheckPresence(context, kBeta, IsDelta(context.attrs())));
  if (context.HasInput(kDecay)) {
    SLIPWAY_RETURN_IF_ERROR(CheckGate(context, kDecay, batch, length, kv_heads * d_k, kv_heads));
  }
  if (context.HasInput(kBeta)) {
    SLIPWAY_RETURN_IF_ERROR(CheckGate(context, kBeta, batch, length, kv_heads, Dim(1)));
  }
  context.SetOutput(0, context.dtype(kQuery), {batch, length, q_heads * d_v});
  if (context.num_outputs() > 1) context.SetOutput(1, state, {batch, kv_heads, d_k, d_v});
  return Status::Ok();
}

// A gate of token (b, l): element `i` of a width that is 1 or `count`, spread over the `count`.
class Gate {
 public:
  Gate(const RunContext& context, size_t input) {
    if (context.HasInput(input)) x_ = &context.in(input);
  }
  bool IsThere() const { return x_ != nullptr; }
  int64_t width() const { return x_->dim(2); }
  double At(int64_t b, int64_t l, int64_t i) const {
    return LoadReal(x_->dtype(), x_->data(), (b * x_->dim(1) + l) * width() + i);
  }

 private:
  const Tensor* x_ = nullptr;
};

struct Call {
  Heads q, k, v;
  Gate decay, beta;
  double scale;
};

// One token of key head h: the state decays, what it recalls is corrected, the outer product is added.
// state: rows of d_v numbers, one per element of the key.
void Update(const Call& call, int64_t b, int64_t h, int64_t l, double* state) {
  const int64_t d_k = call.k.size();
  const int64_t d_v = call.v.size();
  const double* key = call.k.at(b, h, l);
  std::vector<double> value(call.v.at(b, h, l), call.v.at(b, h, l) + d_v);
  if (call.decay.IsThere()) {
    const bool is_per_head = call.decay.width() == call.k.heads();
    for (int64_t d = 0; d < d_k; ++d) {
      const double factor = std::exp(call.decay.At(b, l, is_per_head ? h : h * d_k + d));
      for (int64_t e = 0; e < d_v; ++e) state[d * d_v + e] *= factor;
    }
  }
  if (call.beta.IsThere()) {
    const double rate = call.beta.At(b, l, call.beta.width() == 1 ? 0 : h);
    for (int64_t e = 0; e < d_v; ++e) {
      double recalled = 0;
      for (int64_t d = 0; d < d_k; ++d) recalled += state[d * d_v + e] * key[d];
      double& wanted = value[static_cast<size_t>(e)];
      wanted = rate * (wanted - recalled);
    }
  }
  for (int64_t d = 0; d < d_k; ++d) {
    for (int64_t e = 0; e < d_v; ++e) state[d * d_v + e] += key[d] * value[static_cast<size_t>(e)];
  }
}

// y = scale * q^T state
void Read(const Call& call, int64_t b, int64_t q_head, int64_t l, const double* state, double* y) {
  const double* query = call.q.at(b, q_head, l);
  for (int64_t e = 0; e < call.v.size(); ++e) {
    double sum = 0;
    for (int64_t d = 0; d < call.q.size(); ++d) sum += query[d] * state[d * call.v.size() + e];
    y[e] = call.scale * sum;
  }
}

Status Reference(RunContext& context) {
  const int64_t q_heads = context.attrs().Int("q_num_heads");
  const int64_t kv_heads = context.attrs().Int("kv_num_heads");
  Call call{Heads(context.in(kQuery), q_heads),
            Heads(context.in(kKey), kv_heads),
            Heads(context.in(kValue), kv_heads),
            Gate(context, kDecay),
            Gate(context, kBeta),
            0};
  call.scale = ScaleOr(context.attrs().Float("scale"), call.q.size());
  Heads state = context.HasInput(kPastState) ? Heads(context.in(kPastState), 0)
                                             : Heads(call.q.batch(), kv_heads, call.k.size(), call.v.size());
  Heads y(call.q.batch(), q_heads, call.q.length(), call.v.size());
  const int64_t group = q_heads / kv_heads;
  for (int64_t b = 0; b < y.batch(); ++b) {
    for (int64_t h = 0; h < kv_heads; ++h) {
      for (int64_t l = 0; l < y.length(); ++l) {
        Update(call, b, h, l, state.at(b, h, 0));
        for (int64_t q = h * group; q < (h + 1) * group; ++q)
          Read(call, b, q, l, state.at(b, h, 0), y.at(b, q, l));
      }
    }
  }
  y.StoreTo(context.out(0));
  if (context.HasOutput(1)) state.StoreTo(context.out(1));
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  const auto x = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -0.5, .high = 0.5}; };
  const auto gate = [](Dims dims, double low, double high) {
    return TestInput{.dims = std::move(dims), .low = low, .high = high};
  };
  const TestInput absent{.is_absent = true};
  const auto attrs = [](const char* rule, int64_t q, int64_t kv) {
    return Attrs{{"update_rule", std::string(rule)}, {"q_num_heads", q}, {"kv_num_heads", kv}};
  };
  const TestInput q = x({2, 5, 24});
  const TestInput k = x({2, 5, 12});
  const TestInput v = x({2, 5, 6});
  return {{"linear", {q, k, v}, attrs("linear", 4, 2), 2},
          {"gated", {q, k, v, absent, gate({2, 5, 12}, -1, 0)}, attrs("gated", 4, 2), 2},
          {"delta", {q, k, v, absent, absent, gate({2, 5, 2}, 0, 1)}, attrs("delta", 4, 2), 2},
          {"gated_delta",
           {q, k, v, x({2, 2, 6, 3}), gate({2, 5, 2}, -1, 0), gate({2, 5, 1}, 0, 1)},
           attrs("gated_delta", 4, 2),
           2}};
}

// onnxruntime's: more key heads than query heads and a window of states are left out.
Status ImportContrib(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, "state_window"));
  return context.EmitSame();
}

}  // namespace

OpDef MakeLinearAttention() {
  OpDef op;
  op.name = "LinearAttention";
  op.group = "attention";
  op.summary = "Attention through a recurrent state matrix per head.";
  op.formula = "S = exp(g) S + k (b (v - S^T k))^T; y = scale * q^T S";
  op.inputs = {
      {"query", kFloats, "[B,L,q_heads*D]"},
      {"key", kFloats, "[B,L,kv_heads*D]"},
      {"value", kFloats, "[B,L,kv_heads*E]"},
      {"past_state", kFloats, "[B,kv_heads,D,E]; absent: zeros", Arity::kOptional},
      {"decay", kFloats, "g, [B,L,kv_heads*D] or [B,L,kv_heads]; for the gated rules", Arity::kOptional},
      {"beta", kFloats, "b, [B,L,kv_heads] or [B,L,1]; for the delta rules", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[B,L,q_heads*E]"},
                {"present_state", kFloats, "[B,kv_heads,D,E]", Arity::kOptional}};
  op.attrs = {Required(IntAttr("q_num_heads", 0, "a multiple of kv_num_heads")),
              Required(IntAttr("kv_num_heads", 0, "each has a state")),
              StringAttr("update_rule", "gated_delta", {"linear", "gated", "delta", "gated_delta"},
                         "without gate: g = 0; without delta: v is taken as it is"),
              FloatAttr("scale", 0, "0: 1/sqrt(D)"),
              IntAttr("chunk_size", 64, "a hint; does not change results")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 6 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "LinearAttention", 27}, ContribRow("LinearAttention", ImportContrib)};
  return op;
}

}  // namespace slipway
