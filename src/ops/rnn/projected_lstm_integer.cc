// The TFLite LSTM on integers: x, h and weights of 8 bits, the cell and everything between of 16, biases of
// 32; to the bit as LiteRT's 8x8_16 kernel.
//
// What a gate sums up is Q3.12 (or, normalised, on the scale of its intermediate); gates are Q0.15, the
// cell's scale is a power of two. Source: the TensorFlow Lite 8-bit quantisation specification and the
// arithmetic of LiteRT's kernel. Its older form stands in projected_lstm_narrow.cc.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/fixed_point.h"
#include "base/scalar.h"
#include "ops/nn/fixed_functions.h"
#include "ops/nn/inverse_root.h"
#include "ops/nn/quantized.h"
#include "ops/rnn/projected_lstm.h"

namespace slipway {
namespace {

using Fixed = FixedFunctions<int16_t>;

constexpr size_t kNumIntermediates = 5;  // of the four gates, and of what is projected
constexpr size_t kHidden = 4;

int16_t Saturate16(int32_t x) { return static_cast<int16_t>(std::clamp<int32_t>(x, INT16_MIN, INT16_MAX)); }

// values = (matrix x + bias) * scale, the zero point of x within bias.
struct Product {
  std::vector<int32_t> matrix;
  std::vector<int32_t> bias;  // one per row
  FixedMultiplier scale;

  bool IsNone() const { return matrix.empty(); }
  int32_t Row(size_t row, std::span<const int32_t> x) const {
    int32_t sum = bias[row];
    for (size_t i = 0; i < x.size(); ++i) sum += matrix[row * x.size() + i] * x[i];
    return MultiplyByQuantizedMultiplier(sum, scale);
  }
};

// LiteRT's kernel takes peepholes by the number of outputs, not of cells, through all rows of a step: where a
// projection makes fewer outputs, the weights shift from row to row and the last cells have none.
struct PeepholeWalk {
  size_t row, rows, cells, outputs;

  // The weight of a cell; none: the number of weights.
  size_t WeightOf(size_t cell) const {
    const size_t place = row * cells + cell;
    return place < rows * outputs ? place % outputs : cells;
  }
};

struct Gate {
  Product from_input, from_state;
  std::vector<int32_t> peephole, norm, norm_bias;  // empty: none
  FixedMultiplier peephole_scale, norm_scale;
  int32_t least_variance = 1;
};

// Reads the operands of one call; the first error stays.
class Reader {
 public:
  explicit Reader(const RunContext& context) : context_(context) {}

  const Status& status() const { return status_; }

  std::vector<int32_t> Values(size_t input) const {
    return context_.HasInput(input) ? Integers(context_.in(input)) : std::vector<int32_t>();
  }

  float Scale(size_t input) {
    if (!context_.HasInput(input)) return 1;
    Keep(RequireQuant(context_, context_.in_quant(input), "an operand"));
    return status_.ok() ? ScaleOf(*context_.in_quant(input)) : 1;
  }
  int32_t ZeroPoint(size_t input) {
    Scale(input);
    return status_.ok() ? static_cast<int32_t>(ZeroPointOf(*context_.in_quant(input))) : 0;
  }

  // `zero_point`: what a row's sum counts in the bias.
  Product ProductOf(size_t matrix, int32_t zero_point, std::vector<int32_t> bias, int64_t rows, float scale) {
    Product product{Values(matrix), std::move(bias), QuantizeMultiplier(static_cast<double>(scale))};
    if (product.IsNone()) return product;
    product.bias.resize(static_cast<size_t>(rows), 0);
    const size_t columns = product.matrix.size() / product.bias.size();
    for (size_t i = 0; i < product.matrix.size(); ++i)
      product.bias[i / columns] += zero_point * product.matrix[i];
    return product;
  }

 private:
  void Keep(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  const RunContext& context_;
  Status status_;
};

class Layer {
 public:
  static Result<Layer> Read(const RunContext& context, const LstmCall& call);
  void Step(const PeepholeWalk& walk, std::span<const int32_t> x, std::span<int32_t> h,
            std::span<int32_t> c) const;

 private:
  std::vector<int16_t> Compute(const Gate& gate, const PeepholeWalk& walk, std::span<const int32_t> x,
                               std::span<const int32_t> h, std::span<const int32_t> c) const;
  void Project(const std::vector<int32_t>& hidden, std::span<int32_t> h) const;

  std::array<Gate, kNumLstmGates> gates_;
  Product projection_;
  FixedMultiplier hidden_scale_;
  int32_t hidden_zero_ = 0;
  int32_t h_zero_ = 0;
  int cell_power_ = 0;  // the cell's scale is 2^cell_power
  int32_t cell_clip_ = 0;
  int32_t proj_clip_ = 0;
};

// Scales of what stands between: of the gates 2^-12 unless they are normalised.
struct Intermediates {
  std::array<float, kNumIntermediates> scales;
  int32_t hidden_zero;
};

Result<Intermediates> IntermediatesOf(const RunContext& context) {
  const Floats& scales = context.attrs().FloatList("intermediate_scales");
  const Ints& zeros = context.attrs().IntList("intermediate_zero_points");
  if (scales.size() != kNumIntermediates || zeros.size() != kNumIntermediates || !(scales[kHidden] > 0)) {
    return context.Error("has the scales of " + std::to_string(scales.size()) +
                             " intermediates; an LSTM on integers needs 5, the last not 0",
                         "convert the model again with a current converter");
  }
  Intermediates result{};
  for (size_t i = 0; i < kNumIntermediates; ++i) {
    const bool is_normalized = i != kHidden && context.HasInput(kLstmNorm + i);
    if (is_normalized && !(scales[i] > 0))
      return context.Error("intermediate " + std::to_string(i) + ", a gate that is normalised, has no scale");
    result.scales[i] = i == kHidden || is_normalized ? scales[i] : 1.0F / 4096;
  }
  result.hidden_zero = static_cast<int32_t>(zeros[kHidden]);
  return result;
}

Result<int> PowerOfCell(const RunContext& context, float scale) {
  for (int power = -15; power <= -9; ++power) {
    if (std::ldexp(1.0F, power) == scale) return power;
  }
  return context.Error("the cell's scale is " + std::to_string(scale) +
                       "; an LSTM on integers needs a power of two from 2^-15 to 2^-9");
}

Gate ReadGate(Reader& reader, const Intermediates& between, LstmGate which, int64_t cells, int cell_power) {
  Gate gate;
  const float scale = between.scales[which];
  const bool is_normalized = !reader.Values(kLstmNorm + which).empty();
  gate.from_input =
      reader.ProductOf(kLstmFromInput + which, -reader.ZeroPoint(kLstmX),
                       is_normalized ? std::vector<int32_t>() : reader.Values(kLstmBias + which), cells,
                       reader.Scale(kLstmFromInput + which) * reader.Scale(kLstmX) / scale);
  gate.from_state = reader.ProductOf(kLstmFromState + which, -reader.ZeroPoint(kLstmH), {}, cells,
                                     reader.Scale(kLstmFromState + which) * reader.Scale(kLstmH) / scale);
  if (which != kLstmCell) {
    gate.peephole = reader.Values(PeepholeOf(which));
    gate.peephole_scale = QuantizeMultiplier(
        static_cast<double>(std::ldexp(1.0F, cell_power) * reader.Scale(PeepholeOf(which)) / scale));
  }
  if (!is_normalized) return gate;
  gate.norm = reader.Values(kLstmNorm + which);
  gate.norm_bias = reader.Values(kLstmBias + which);
  gate.norm_bias.resize(static_cast<size_t>(cells), 0);
  const float norm_scale = reader.Scale(kLstmNorm + which);
  gate.norm_scale = QuantizeMultiplier(static_cast<double>(norm_scale));
  gate.least_variance = std::max(1, static_cast<int32_t>(10000 * norm_scale));
  return gate;
}

Result<Layer> Layer::Read(const RunContext& context, const LstmCall& call) {
  SLIPWAY_ASSIGN_OR_RETURN(const Intermediates between, IntermediatesOf(context));
  Reader reader(context);
  Layer layer;
  const float c_scale = reader.Scale(kLstmC);
  const float h_scale = reader.Scale(kLstmH);
  SLIPWAY_RETURN_IF_ERROR(reader.status());
  if (!(h_scale > 0)) return context.Error("the scale of h is 0");
  SLIPWAY_ASSIGN_OR_RETURN(layer.cell_power_, PowerOfCell(context, c_scale));
  for (size_t i = 0; i < kNumLstmGates; ++i)
    layer.gates_[i] = ReadGate(reader, between, static_cast<LstmGate>(i), call.cells, layer.cell_power_);
  const float hidden_scale = between.scales[kHidden];
  layer.hidden_scale_ =
      QuantizeMultiplier(static_cast<double>(std::ldexp(1.0F, -15) / hidden_scale * std::ldexp(1.0F, -15)));
  // What is projected bears its zero point with the other sign in LiteRT: it shows where values saturate.
  layer.hidden_zero_ = context.HasInput(kLstmProjection) ? -between.hidden_zero : between.hidden_zero;
  layer.projection_ =
      reader.ProductOf(kLstmProjection, between.hidden_zero, reader.Values(kLstmProjectionBias), call.outputs,
                       reader.Scale(kLstmProjection) * hidden_scale / h_scale);
  layer.h_zero_ = reader.ZeroPoint(kLstmH);
  const float cell_clip = context.attrs().Float("cell_clip");
  const float proj_clip = context.attrs().Float("proj_clip");
  if (cell_clip > 0)
    layer.cell_clip_ = static_cast<int32_t>(std::clamp(cell_clip / c_scale, -32768.0F, 32767.0F));
  if (proj_clip > 0)
    layer.proj_clip_ = static_cast<int32_t>(std::clamp(proj_clip / h_scale, -128.0F, 127.0F));
  SLIPWAY_RETURN_IF_ERROR(reader.status());
  return layer;
}

// (x - mean) / deviation * norm + bias, in Q3.12.
void Normalize(const Gate& gate, std::vector<int16_t>& values) {
  constexpr int32_t kMore = 1 << 10;  // keeps digits of what is normalised
  const auto count = static_cast<int64_t>(values.size());
  int64_t sum = 0;
  int64_t squares = 0;
  for (int16_t value : values) {
    sum += value;
    squares += static_cast<int64_t>(value) * value;
  }
  const auto mean = static_cast<int32_t>(sum * kMore / count);
  const int64_t wide = squares * (kMore * kMore / count) - static_cast<int64_t>(mean) * mean;
  auto variance = static_cast<int32_t>(wide / (kMore * kMore));
  if (variance < 1) variance = gate.least_variance;
  const FixedMultiplier inverse = InverseRoot(variance);
  FixedMultiplier scale = gate.norm_scale;
  scale.shift = std::min(scale.shift + 12, 30);
  for (size_t i = 0; i < values.size(); ++i) {
    const int32_t centred = MultiplyByQuantizedMultiplier(kMore * values[i] - mean, inverse);
    const int64_t weighted = static_cast<int64_t>(centred) * gate.norm[i] + gate.norm_bias[i];
    const auto rounded =
        static_cast<int32_t>((weighted > 0 ? weighted + kMore / 2 : weighted - kMore / 2) / kMore);
    values[i] = Saturate16(MultiplyByQuantizedMultiplier(rounded, scale));
  }
}

std::vector<int16_t> Layer::Compute(const Gate& gate, const PeepholeWalk& walk, std::span<const int32_t> x,
                                    std::span<const int32_t> h, std::span<const int32_t> c) const {
  std::vector<int16_t> values(c.size());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = Saturate16(gate.from_input.Row(i, x));
    values[i] = Saturate16(values[i] + gate.from_state.Row(i, h));
    const size_t weight = walk.WeightOf(i);
    if (weight < gate.peephole.size())
      values[i] = Saturate16(
          values[i] + MultiplyByQuantizedMultiplier(gate.peephole[weight] * c[i], gate.peephole_scale));
  }
  if (!gate.norm.empty()) Normalize(gate, values);
  return values;
}

void Layer::Step(const PeepholeWalk& walk, std::span<const int32_t> x, std::span<int32_t> h,
                 std::span<int32_t> c) const {
  constexpr int kGateBits = 3;  // before the point
  const bool is_coupled = gates_[kLstmInput].from_input.IsNone();
  const std::vector<int16_t> forget = Compute(gates_[kLstmForget], walk, x, h, c);
  const std::vector<int16_t> cell = Compute(gates_[kLstmCell], walk, x, h, c);
  const std::vector<int16_t> in = is_coupled ? forget : Compute(gates_[kLstmInput], walk, x, h, c);
  for (size_t i = 0; i < c.size(); ++i) {
    const int32_t f = Fixed::Logistic(forget[i], kGateBits);
    const int32_t g = Fixed::Tanh(cell[i], kGateBits);
    const int32_t share = is_coupled ? INT16_MAX - f : Fixed::Logistic(in[i], kGateBits);
    const auto kept = static_cast<int16_t>(RoundingDivideByPowerOfTwo(f * c[i], 15));
    const auto added = static_cast<int16_t>(RoundingDivideByPowerOfTwo(share * g, 30 + cell_power_));
    c[i] = Saturate16(kept + added);
    if (cell_clip_ > 0) c[i] = std::clamp(c[i], -cell_clip_, cell_clip_);
  }
  const std::vector<int16_t> out = Compute(gates_[kLstmOutput], walk, x, h, c);
  std::vector<int32_t> hidden(c.size());
  for (size_t i = 0; i < c.size(); ++i) {
    const int32_t shown = Fixed::Tanh(static_cast<int16_t>(c[i]), 15 + cell_power_);
    const int32_t product = Fixed::Logistic(out[i], kGateBits) * shown;
    hidden[i] = std::clamp(MultiplyByQuantizedMultiplier(product, hidden_scale_) + hidden_zero_, -128, 127);
  }
  Project(hidden, h);
}

void Layer::Project(const std::vector<int32_t>& hidden, std::span<int32_t> h) const {
  if (projection_.IsNone()) {
    std::copy(hidden.begin(), hidden.end(), h.begin());
    return;
  }
  for (size_t i = 0; i < h.size(); ++i) {
    h[i] = std::clamp(projection_.Row(i, hidden) + h_zero_, -128, 127);
    if (proj_clip_ > 0) h[i] = std::clamp(h[i], -proj_clip_, proj_clip_);
  }
}

void StoreIntegers(std::span<const int32_t> values, int64_t to, Tensor& tensor) {
  for (int32_t value : values) StoreInt(tensor.dtype(), tensor.data(), to++, value);
}

}  // namespace

Status WalkIntegerLstm(const RunContext& context, const LstmCall& call,
                       const std::function<void(const LstmStep&)>& step) {
  const std::vector<int32_t> x = Integers(context.in(kLstmX));
  std::vector<int32_t> h = Integers(context.in(kLstmH));
  std::vector<int32_t> c = Integers(context.in(kLstmC));
  const auto row = [](auto& all, int64_t i, int64_t size) {
    return std::span(all).subspan(static_cast<size_t>(i * size), static_cast<size_t>(size));
  };
  for (int64_t b = 0; b < call.batch; ++b) {
    const std::span<int32_t> state = row(h, b, call.outputs);
    for (int64_t i = 0; i < call.steps; ++i) {
      const int64_t at = call.RowOf(b, i);
      step({b, row(x, at, call.inputs), state, row(c, b, call.cells)});
      StoreIntegers(state, at * call.outputs, context.out(0));
    }
  }
  if (context.HasOutput(1)) StoreIntegers(h, 0, context.out(1));
  if (context.HasOutput(2)) StoreIntegers(c, 0, context.out(2));
  return Status::Ok();
}

Status RunIntegerLstm(const RunContext& context, const LstmCall& call) {
  SLIPWAY_ASSIGN_OR_RETURN(const Layer layer, Layer::Read(context, call));
  const bool is_step_of_all = context.in(kLstmX).rank() == 2 || context.attrs().Int("time_major") != 0;
  return WalkIntegerLstm(context, call, [&](const LstmStep& step) {
    const PeepholeWalk walk{static_cast<size_t>(is_step_of_all ? step.sequence : 0),
                            static_cast<size_t>(is_step_of_all ? call.batch : 1),
                            static_cast<size_t>(call.cells), static_cast<size_t>(call.outputs)};
    layer.Step(walk, step.x, step.h, step.c);
  });
}

}  // namespace slipway
