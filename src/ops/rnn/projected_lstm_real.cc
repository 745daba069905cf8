// The TFLite LSTM on f32. Sums of a product are wide, what is kept between operations is f32, as LiteRT keeps
// it: quantised rows must come out the same.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/activation.h"
#include "ops/nn/reals.h"
#include "ops/rnn/hybrid.h"
#include "ops/rnn/projected_lstm.h"

namespace slipway {
namespace {

struct Gate {
  HybridMatrix from_input, from_state;
  std::vector<float> peephole, bias, norm;  // empty: none
};

Result<std::vector<float>> RealsOf(const RunContext& context, size_t input) {
  SLIPWAY_ASSIGN_OR_RETURN(const HybridMatrix vector, HybridMatrix::Of(context, input));
  return vector.ToReals();
}

Result<Gate> ReadGate(const RunContext& context, LstmGate which) {
  Gate gate;
  SLIPWAY_ASSIGN_OR_RETURN(gate.from_input, HybridMatrix::Of(context, kLstmFromInput + which));
  SLIPWAY_ASSIGN_OR_RETURN(gate.from_state, HybridMatrix::Of(context, kLstmFromState + which));
  SLIPWAY_ASSIGN_OR_RETURN(gate.bias, RealsOf(context, kLstmBias + which));
  SLIPWAY_ASSIGN_OR_RETURN(gate.norm, RealsOf(context, kLstmNorm + which));
  if (which == kLstmCell) return gate;
  SLIPWAY_ASSIGN_OR_RETURN(gate.peephole, RealsOf(context, PeepholeOf(which)));
  return gate;
}

// (x - mean) / deviation * norm.
void Normalize(const std::vector<float>& norm, std::vector<float>& values) {
  constexpr double kEpsilon = 1e-8;  // TFLite's
  const auto count = static_cast<double>(values.size());
  double mean = 0;
  for (float value : values) mean += static_cast<double>(value) / count;
  double variance = 0;
  for (float value : values) variance += (value - mean) * (value - mean) / count;
  const double inverse = 1 / std::sqrt(variance + kEpsilon);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((values[i] - mean) * inverse) * norm[i];
}

// Before its activation.
std::vector<float> Compute(const Gate& gate, const HybridRow& x, const HybridRow& h,
                           std::span<const float> c) {
  const bool is_normalized = !gate.norm.empty();
  std::vector<float> values(c.size(), 0.0F);
  if (!is_normalized && !gate.bias.empty()) values = gate.bias;
  gate.from_input.Accumulate(x, values);
  gate.from_state.Accumulate(h, values);
  for (size_t i = 0; i < gate.peephole.size(); ++i) values[i] += gate.peephole[i] * c[i];
  if (!is_normalized) return values;
  Normalize(gate.norm, values);
  for (size_t i = 0; i < gate.bias.size(); ++i) values[i] += gate.bias[i];
  return values;
}

void Activate(const ActivationSpec& activation, std::span<float> values) {
  for (float& value : values)
    value = static_cast<float>(ApplyActivation(activation, static_cast<double>(value)));
}

void ClipAll(float bound, std::span<float> values) {
  if (bound <= 0) return;
  for (float& value : values) value = std::clamp(value, -bound, bound);
}

class Layer {
 public:
  static Result<Layer> Read(const RunContext& context) {
    Layer layer;
    for (size_t i = 0; i < kNumLstmGates; ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(layer.gates_[i], ReadGate(context, static_cast<LstmGate>(i)));
    }
    SLIPWAY_ASSIGN_OR_RETURN(layer.projection_, HybridMatrix::Of(context, kLstmProjection));
    SLIPWAY_ASSIGN_OR_RETURN(layer.projection_bias_, RealsOf(context, kLstmProjectionBias));
    layer.activation_ = ActivationOf(context.attrs());
    layer.cell_clip_ = context.attrs().Float("cell_clip");
    layer.proj_clip_ = context.attrs().Float("proj_clip");
    layer.scheme_ = RowSchemeOf(context.attrs());
    return layer;
  }

  void Step(std::span<const float> input, std::span<float> h, std::span<float> c) const {
    const ActivationSpec sigmoid{Activation::kSigmoid};
    const HybridRow x(input, scheme_);
    const HybridRow state(h, scheme_);
    const bool is_coupled = gates_[kLstmInput].from_input.IsNone();
    std::vector<float> forget = Compute(gates_[kLstmForget], x, state, c);
    std::vector<float> cell = Compute(gates_[kLstmCell], x, state, c);
    Activate(sigmoid, forget);
    Activate(activation_, cell);
    std::vector<float> in = is_coupled ? forget : Compute(gates_[kLstmInput], x, state, c);
    if (is_coupled) {
      for (float& value : in) value = 1 - value;
    } else {
      Activate(sigmoid, in);
    }
    for (size_t i = 0; i < c.size(); ++i) c[i] = forget[i] * c[i] + in[i] * cell[i];
    ClipAll(cell_clip_, c);
    std::vector<float> out = Compute(gates_[kLstmOutput], x, state, c);
    Activate(sigmoid, out);
    std::copy(c.begin(), c.end(), cell.begin());
    Activate(activation_, cell);
    for (size_t i = 0; i < out.size(); ++i) out[i] *= cell[i];
    Project(out, h);
  }

 private:
  void Project(const std::vector<float>& hidden, std::span<float> h) const {
    if (projection_.IsNone()) {
      std::copy(hidden.begin(), hidden.end(), h.begin());
      return;
    }
    std::fill(h.begin(), h.end(), 0.0F);
    std::copy(projection_bias_.begin(), projection_bias_.end(), h.begin());
    projection_.Accumulate(HybridRow(hidden, scheme_), h);
    ClipAll(proj_clip_, h);
  }

  std::array<Gate, kNumLstmGates> gates_;
  HybridMatrix projection_;
  std::vector<float> projection_bias_;
  ActivationSpec activation_;
  float cell_clip_ = 0;
  float proj_clip_ = 0;
  RowScheme scheme_ = RowScheme::kSymmetric;
};

}  // namespace

Status RunRealLstm(const RunContext& context, const LstmCall& call) {
  SLIPWAY_ASSIGN_OR_RETURN(const Layer layer, Layer::Read(context));
  Tensor h = context.in(kLstmH).Clone();
  Tensor c = context.in(kLstmC).Clone();
  const float* x = context.in(kLstmX).as<float>();
  float* y = context.out(0).as<float>();
  const auto row = [](auto* all, int64_t i, int64_t size) {
    return std::span(all + i * size, static_cast<size_t>(size));
  };
  for (int64_t b = 0; b < call.batch; ++b) {
    const std::span<float> state = row(h.as<float>(), b, call.outputs);
    for (int64_t i = 0; i < call.steps; ++i) {
      const int64_t at = call.RowOf(b, i);
      layer.Step(row(x, at, call.inputs), state, row(c.as<float>(), b, call.cells));
      std::copy(state.begin(), state.end(), y + at * call.outputs);
    }
  }
  if (context.HasOutput(1)) StoreTensor(h, context.out(1));
  if (context.HasOutput(2)) StoreTensor(c, context.out(2));
  return Status::Ok();
}

}  // namespace slipway
