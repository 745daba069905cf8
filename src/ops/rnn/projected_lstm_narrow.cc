// The TFLite LSTM on integers in its older form: what a gate sums up is kept in 8 bits, with a scale and zero
// point of its own for what comes from x, from h and for both together: LiteRT's 8x8_8 kernel, to the bit.
//
// The twelve intermediates are, for each gate in turn, its sum, its part from x and its part from h. Gates
// are normalised and activated in f32 and kept in Q0.15, as the cell is. As in LiteRT every gate must be
// normalised and h projected; the input gate is 1 - the forget gate even where it has weights, peepholes
// count for nothing. Two slips of LiteRT's are kept, for they are in every answer of it: see
// ConfuseOutputGate.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/fixed_point.h"
#include "base/scalar.h"
#include "ops/nn/quantized.h"
#include "ops/rnn/projected_lstm.h"

namespace slipway {
namespace {

constexpr size_t kPartsPerGate = 3;  // sum, from x, from h
constexpr float kOneInQ15 = 32768;
constexpr int kMaxProjectionShift = 14;  // of MultiplyByQuantizedMultiplier64

int16_t Saturate16(int32_t x) { return static_cast<int16_t>(std::clamp<int32_t>(x, INT16_MIN, INT16_MAX)); }

// A product in 8 bits, and what brings it to the scale of the gate's sum.
struct Part {
  std::vector<int32_t> matrix;
  FixedMultiplier scale;
  int32_t zero_in = 0, zero_out = 0;
  FixedMultiplier to_sum;

  int32_t Row(size_t row, std::span<const int32_t> x) const {
    int64_t sum = 0;  // LiteRT's has 32 bits, and wraps around
    for (size_t i = 0; i < x.size(); ++i) sum += matrix[row * x.size() + i] * (x[i] - zero_in);
    const auto kept = static_cast<int32_t>(Requantize(sum, scale, zero_out, {-128, 127}));
    return MultiplyByQuantizedMultiplier(kept - zero_out, to_sum);
  }
};

struct Gate {
  Part from_input, from_state;
  std::vector<int32_t> norm, bias;
  float norm_scale = 0;

  std::vector<int16_t> Sums(std::span<const int32_t> x, std::span<const int32_t> h, size_t cells) const {
    std::vector<int16_t> sums(cells);
    for (size_t i = 0; i < cells; ++i) sums[i] = Saturate16(from_state.Row(i, h) + from_input.Row(i, x));
    return sums;
  }
};

// (x - mean) / deviation * norm + bias, in Q3.12. Everything f32, in LiteRT's order.
void Normalize(const Gate& gate, std::vector<int16_t>& values) {
  const float bias_scale = gate.norm_scale / 1024;
  const auto count = static_cast<float>(values.size());
  float sum = 0;
  float squares = 0;
  for (int16_t value : values) {
    const auto real = static_cast<float>(value);
    sum += real;
    squares += real * real;
  }
  const float mean = sum / count;
  const float variance = squares / count - mean * mean;
  const float inverse = 1.0F / std::sqrt(variance == 0 ? 1e-8F : variance);
  for (size_t i = 0; i < values.size(); ++i) {
    const float normalized = (static_cast<float>(values[i]) - mean) * inverse;
    const float weighted = normalized * static_cast<float>(gate.norm[i]) * gate.norm_scale +
                           static_cast<float>(gate.bias[i]) * bias_scale;
    const float steps = std::round(weighted * 4096);
    // A number that is none, of a variance below 0, is what a conversion gives on x86: the lowest.
    values[i] = std::isnan(steps) ? INT16_MIN : static_cast<int16_t>(std::clamp(steps, -32768.0F, 32767.0F));
  }
}

// Towards 0 into Q0.15.
int16_t InQ15(float real) {
  return static_cast<int16_t>(std::clamp(std::trunc(real * kOneInQ15), -32768.0F, 32767.0F));
}
int16_t Logistic(int16_t x) { return InQ15(1.0F / (1.0F + std::exp(-(static_cast<float>(x) / 4096)))); }
int16_t Tanh(int16_t x, float one) { return InQ15(std::tanh(static_cast<float>(x) / one)); }
int16_t MultiplyInQ15(int16_t a, int16_t b) {
  return static_cast<int16_t>(RoundingDivideByPowerOfTwo(int32_t{a} * b, 15));
}

class Layer {
 public:
  static Result<Layer> Read(const RunContext& context);
  void Step(std::span<const int32_t> x, std::span<int32_t> h, std::span<int32_t> c) const;

 private:
  void Project(const std::vector<int16_t>& hidden, std::span<int32_t> h) const;

  std::array<Gate, kNumLstmGates> gates_;  // the input gate's is empty
  std::vector<int32_t> projection_, projection_bias_;
  FixedMultiplier projection_scale_;
  int32_t h_zero_ = 0, cell_clip_ = 0, proj_clip_ = 0;
};

Status CheckForm(const RunContext& context) {
  const Floats& scales = context.attrs().FloatList("intermediate_scales");
  if (context.attrs().IntList("intermediate_zero_points").size() != scales.size())
    return context.Error("has other numbers of intermediate scales and zero points");
  for (size_t i = kPartsPerGate; i < kNumNarrowIntermediates; ++i) {
    if (!(scales[i] > 0) || !std::isfinite(scales[i]))
      return context.Error("intermediate " + std::to_string(i) + " has no scale");
  }
  for (size_t i = kLstmForget; i < kNumLstmGates; ++i) {
    if (!context.HasInput(kLstmNorm + i) || !context.HasInput(kLstmBias + i))
      return context.Error("gate " + std::to_string(i) + " has no normalisation or no bias",
                           "an LSTM on integers with twelve intermediates needs both for each gate");
  }
  if (!context.HasInput(kLstmProjection) || !context.HasInput(kLstmProjectionBias))
    return context.Error("has no projection or no bias of it",
                         "an LSTM on integers with twelve intermediates needs both");
  for (size_t i : {kLstmX, kLstmH, kLstmC, kLstmProjection})
    SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, context.in_quant(i), "an operand"));
  if (ScaleOf(*context.in_quant(kLstmC)) != 1 / kOneInQ15)
    return context.Error("the cell's scale is " + std::to_string(ScaleOf(*context.in_quant(kLstmC))) +
                         "; with twelve intermediates it must be 2^-15");
  if (!(ScaleOf(*context.in_quant(kLstmH)) > 0)) return context.Error("the scale of h is 0");
  return Status::Ok();
}

Result<Part> ReadPart(const RunContext& context, size_t matrix, size_t operand, size_t part) {
  const Floats& scales = context.attrs().FloatList("intermediate_scales");
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, context.in_quant(matrix), "a weight"));
  const size_t sum = part / kPartsPerGate * kPartsPerGate;
  Part result;
  result.matrix = Integers(context.in(matrix));
  result.zero_in = static_cast<int32_t>(ZeroPointOf(*context.in_quant(operand)));
  // LiteRT keeps zero points of the parts in 8 bits.
  result.zero_out = static_cast<int8_t>(context.attrs().IntList("intermediate_zero_points")[part]);
  result.scale = QuantizeMultiplier(static_cast<double>(ScaleOf(*context.in_quant(matrix)) *
                                                        ScaleOf(*context.in_quant(operand)) / scales[part]));
  result.to_sum = QuantizeMultiplier(static_cast<double>(scales[part] / scales[sum]));
  return result;
}

Result<Gate> ReadGate(const RunContext& context, LstmGate which) {
  Gate gate;
  const size_t sum = kPartsPerGate * which;
  SLIPWAY_ASSIGN_OR_RETURN(gate.from_input, ReadPart(context, kLstmFromInput + which, kLstmX, sum + 1));
  SLIPWAY_ASSIGN_OR_RETURN(gate.from_state, ReadPart(context, kLstmFromState + which, kLstmH, sum + 2));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, context.in_quant(kLstmNorm + which), "a normalisation"));
  gate.norm = Integers(context.in(kLstmNorm + which));
  gate.bias = Integers(context.in(kLstmBias + which));
  const FixedMultiplier scale =
      QuantizeMultiplier(static_cast<double>(ScaleOf(*context.in_quant(kLstmNorm + which))));
  gate.norm_scale = static_cast<float>(std::ldexp(static_cast<double>(scale.multiplier), scale.shift - 31));
  return gate;
}

// The output gate's part from h: LiteRT takes its multiplier from beyond the list of multipliers, where the
// shifts stand (that of the forget gate's part from h), and its zero point from the cell's part from x.
void ConfuseOutputGate(const RunContext& context, std::array<Gate, kNumLstmGates>& gates) {
  Part& part = gates[kLstmOutput].from_state;
  part.to_sum.multiplier = gates[kLstmForget].from_state.to_sum.shift;
  part.zero_out =
      static_cast<int8_t>(context.attrs().IntList("intermediate_zero_points")[kPartsPerGate * kLstmCell + 1]);
}

Result<Layer> Layer::Read(const RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckForm(context));
  Layer layer;
  for (LstmGate which : {kLstmForget, kLstmCell, kLstmOutput}) {
    SLIPWAY_ASSIGN_OR_RETURN(layer.gates_[which], ReadGate(context, which));
  }
  ConfuseOutputGate(context, layer.gates_);
  const float h_scale = ScaleOf(*context.in_quant(kLstmH));
  layer.h_zero_ = static_cast<int32_t>(ZeroPointOf(*context.in_quant(kLstmH)));
  layer.projection_ = Integers(context.in(kLstmProjection));
  layer.projection_bias_ = Integers(context.in(kLstmProjectionBias));
  layer.projection_scale_ = QuantizeMultiplier(
      static_cast<double>(ScaleOf(*context.in_quant(kLstmProjection)) / kOneInQ15 / h_scale));
  if (layer.projection_scale_.shift > kMaxProjectionShift)
    return context.Error("the projection's scale is too far above that of h");
  const float cell_clip = context.attrs().Float("cell_clip");
  const float proj_clip = context.attrs().Float("proj_clip");
  if (cell_clip > 0 && cell_clip < 1)
    layer.cell_clip_ = static_cast<int32_t>(std::min(cell_clip * kOneInQ15, 32767.0F));
  if (proj_clip > 0) layer.proj_clip_ = static_cast<int32_t>(std::min(proj_clip / h_scale, 127.0F));
  return layer;
}

void Layer::Step(std::span<const int32_t> x, std::span<int32_t> h, std::span<int32_t> c) const {
  const auto sums = [&](LstmGate which) {
    std::vector<int16_t> values = gates_[which].Sums(x, h, c.size());
    Normalize(gates_[which], values);
    return values;
  };
  const std::vector<int16_t> forget = sums(kLstmForget);
  const std::vector<int16_t> cell = sums(kLstmCell);
  for (size_t i = 0; i < c.size(); ++i) {
    const int16_t f = Logistic(forget[i]);
    const int16_t g = Tanh(cell[i], 4096);
    const auto share = static_cast<int16_t>(INT16_MAX - f);
    c[i] = Saturate16(MultiplyInQ15(f, static_cast<int16_t>(c[i])) + MultiplyInQ15(share, g));
    if (cell_clip_ > 0) c[i] = std::clamp(c[i], -cell_clip_, cell_clip_);
  }
  const std::vector<int16_t> out = sums(kLstmOutput);
  std::vector<int16_t> hidden(c.size());
  for (size_t i = 0; i < c.size(); ++i)
    hidden[i] = MultiplyInQ15(Logistic(out[i]), Tanh(static_cast<int16_t>(c[i]), kOneInQ15));
  Project(hidden, h);
}

void Layer::Project(const std::vector<int16_t>& hidden, std::span<int32_t> h) const {
  for (size_t i = 0; i < h.size(); ++i) {
    int64_t sum = projection_bias_[i];
    for (size_t k = 0; k < hidden.size(); ++k) sum += int64_t{projection_[i * hidden.size() + k]} * hidden[k];
    h[i] = static_cast<int32_t>(RequantizeLong(sum, projection_scale_, h_zero_, {-128, 127}));
    if (proj_clip_ > 0) h[i] = std::clamp(h[i], -proj_clip_, proj_clip_);
  }
}

}  // namespace

Status RunNarrowIntegerLstm(const RunContext& context, const LstmCall& call) {
  SLIPWAY_ASSIGN_OR_RETURN(const Layer layer, Layer::Read(context));
  return WalkIntegerLstm(context, call, [&](const LstmStep& step) { layer.Step(step.x, step.h, step.c); });
}

}  // namespace slipway
