// TFLite's basic LSTM kernel: one step of one weight matrix over x and h side by side, on floats or 8 bits.
//
// On integers, to the bit as LiteRT: x and h are u8 around 128, the cell i16 in Q4.11, gates' sums Q3.12,
// gates Q0.15.
#include <algorithm>
#include <cmath>

#include "base/fixed_point.h"
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/nn/fixed_functions.h"
#include "ops/nn/quantized.h"
#include "ops/rnn/operand_shape.h"
#include "ops/rnn/projected_lstm.h"
#include "ops/run.h"

namespace slipway {
namespace {

using Fixed = FixedFunctions<int16_t>;

enum Operand : size_t { kX = 0, kH, kWeights, kBias, kC };
enum Made : size_t { kNextH = 0, kNextC, kJoined, kSums };
// Rows of the weights, in this order.
enum Gate : int64_t { kInput = 0, kModulation, kForget, kOutput, kNumGates };

constexpr int kSumBits = 3;   // before the point
constexpr int kCellBits = 4;  // before the point
constexpr int64_t kMiddle = 128;

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(kX);
  const bool is_integer = dtype == DType::kU8;
  const DType cell = is_integer ? DType::kI16 : dtype;
  context.SetOutput(kNextH, context.input(kH));
  context.SetOutput(kNextC, context.input(kC));
  if (context.HasOutput(kJoined)) context.SetOutput(kJoined, Type::OfUnknownShape(dtype));
  if (context.HasOutput(kSums)) context.SetOutput(kSums, Type::OfUnknownShape(cell));
  const bool are_of_kind = context.dtype(kH) == dtype && context.dtype(kWeights) == dtype &&
                           context.dtype(kC) == cell &&
                           context.dtype(kBias) == (is_integer ? DType::kI32 : dtype);
  if (!are_of_kind)
    return context.Error("operands must all be f32, or u8 with a bias of i32 and cells of i16");
  const auto& x = context.shape(kX);
  const auto& h = context.shape(kH);
  if (!x || !h) return Status::Ok();
  if (x->size() != 2 || h->size() != 2)
    return context.Error("x is " + ToString(*x) + ", h " + ToString(*h) + "; both must be [batch,...]");
  const Dim batch = (*x)[0];
  const Dim units = (*h)[1];
  const Dim width = x->back() + units;
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kH, {batch, units}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kWeights, {units * 4, width}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kBias, {units * 4}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kC, {batch, units}));
  if (context.HasOutput(kJoined)) context.SetOutput(kJoined, dtype, {batch, width});
  if (context.HasOutput(kSums)) context.SetOutput(kSums, cell, {batch, units * 4});
  return Status::Ok();
}

struct Sizes {
  int64_t batch, inputs, units;
  int64_t width() const { return inputs + units; }
};

// x and h of each row of the batch, side by side.
Tensor Joined(const RunContext& context, const Sizes& sizes) {
  const Tensor& x = context.in(kX);
  Tensor joined(x.dtype(), {sizes.batch, sizes.width()});
  for (int64_t b = 0; b < sizes.batch; ++b) {
    for (int64_t i = 0; i < sizes.inputs; ++i)
      CopyElement(x.dtype(), x.data(), b * sizes.inputs + i, joined.data(), b * sizes.width() + i);
    for (int64_t i = 0; i < sizes.units; ++i)
      CopyElement(x.dtype(), context.in(kH).data(), b * sizes.units + i, joined.data(),
                  b * sizes.width() + sizes.inputs + i);
  }
  return joined;
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void RunReal(const RunContext& context, const Sizes& sizes, const Tensor& joined, Tensor& sums) {
  const float* weights = context.in(kWeights).as<float>();
  for (int64_t b = 0; b < sizes.batch; ++b) {
    for (int64_t row = 0; row < kNumGates * sizes.units; ++row) {
      double sum = context.in(kBias).as<float>()[row];
      for (int64_t i = 0; i < sizes.width(); ++i)
        sum += double{joined.as<float>()[b * sizes.width() + i]} * weights[row * sizes.width() + i];
      sums.as<float>()[b * kNumGates * sizes.units + row] = static_cast<float>(sum);
    }
    for (int64_t i = 0; i < sizes.units; ++i) {
      const auto gate = [&](Gate which) {
        return double{sums.as<float>()[(b * kNumGates + which) * sizes.units + i]};
      };
      const int64_t at = b * sizes.units + i;
      const double cell = Sigmoid(gate(kInput)) * std::tanh(gate(kModulation)) +
                          Sigmoid(gate(kForget)) * context.in(kC).as<float>()[at];
      context.out(kNextC).as<float>()[at] = static_cast<float>(cell);
      context.out(kNextH).as<float>()[at] = static_cast<float>(Sigmoid(gate(kOutput)) * std::tanh(cell));
    }
  }
}

int16_t Saturate16(int64_t x) { return static_cast<int16_t>(std::clamp<int64_t>(x, INT16_MIN, INT16_MAX)); }

Status RunInteger(const RunContext& context, const Sizes& sizes, const Tensor& joined, Tensor& sums) {
  for (size_t i : {kX, kH, kWeights, kBias, kC})
    SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, context.in_quant(i), "an operand"));
  if (ZeroPointOf(*context.in_quant(kX)) != kMiddle || ScaleOf(*context.in_quant(kX)) != 1.0F / 128 ||
      ScaleOf(*context.in_quant(kC)) != 1.0F / 2048)
    return context.Error("x must have the scale 1/128 and the zero point 128, the cells the scale 1/2048",
                         "the basic kernel knows no others: export the LSTM in its full form");
  const std::vector<int32_t> values = Integers(joined);
  const std::vector<int32_t> weights = Integers(context.in(kWeights));
  const std::vector<int32_t> bias = Integers(context.in(kBias));
  const auto zero = static_cast<int32_t>(ZeroPointOf(*context.in_quant(kWeights)));
  const FixedMultiplier scale =
      QuantizeMultiplier(4096 * static_cast<double>(ScaleOf(*context.in_quant(kBias))));
  const auto width = static_cast<size_t>(sizes.width());
  for (int64_t b = 0; b < sizes.batch; ++b) {
    for (int64_t row = 0; row < kNumGates * sizes.units; ++row) {
      int32_t sum = bias[static_cast<size_t>(row)];
      for (size_t i = 0; i < width; ++i)
        sum += (values[static_cast<size_t>(b) * width + i] - static_cast<int32_t>(kMiddle)) *
               (weights[static_cast<size_t>(row) * width + i] - zero);
      sums.as<int16_t>()[b * kNumGates * sizes.units + row] =
          Saturate16(MultiplyByQuantizedMultiplier(sum, scale));
    }
    for (int64_t i = 0; i < sizes.units; ++i) {
      const auto gate = [&](Gate which) {
        return sums.as<int16_t>()[(b * kNumGates + which) * sizes.units + i];
      };
      const int64_t at = b * sizes.units + i;
      const int16_t added = Fixed::Scaled(
          Fixed::Multiply(Fixed::Logistic(gate(kInput), kSumBits), Fixed::Tanh(gate(kModulation), kSumBits)),
          -kCellBits);
      const int16_t kept =
          Fixed::Multiply(Fixed::Logistic(gate(kForget), kSumBits), context.in(kC).as<int16_t>()[at]);
      const int16_t cell = Saturate16(int64_t{added} + kept);
      const int16_t shown =
          Fixed::Multiply(Fixed::Logistic(gate(kOutput), kSumBits), Fixed::Tanh(cell, kCellBits));
      const int32_t h = std::clamp(RoundingDivideByPowerOfTwo(shown, 8), -128, 127);
      context.out(kNextC).as<int16_t>()[at] = cell;
      context.out(kNextH).as<uint8_t>()[at] = static_cast<uint8_t>(h + kMiddle);
    }
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Sizes sizes{context.in(kX).dim(0), context.in(kX).dim(1), context.in(kH).dim(1)};
  const Tensor joined = Joined(context, sizes);
  Tensor sums(context.in(kC).dtype(), {sizes.batch, kNumGates * sizes.units});
  if (joined.dtype() == DType::kU8) {
    SLIPWAY_RETURN_IF_ERROR(RunInteger(context, sizes, joined, sums));
  } else {
    RunReal(context, sizes, joined, sums);
  }
  const auto give = [&](size_t i, const Tensor& tensor) {
    if (!context.HasOutput(i)) return;
    for (int64_t k = 0; k < tensor.count(); ++k)
      CopyElement(tensor.dtype(), tensor.data(), k, context.out(i).data(), k);
  };
  give(kJoined, joined);
  give(kSums, sums);
  return Status::Ok();
}

// LSTM stands for two operators.
Status ImportLstm(ImportContext& context) {
  if (context.attrs().String("kernel_type") != "BASIC") return ImportLstmLayer(context);
  if (context.num_inputs() != 5) return context.Error("the basic kernel has 5 operands");
  return context.Emit("BasicLSTM", context.node().inputs);
}

}  // namespace

OpDef MakeBasicLSTM() {
  const DTypeSet images = {DType::kF32, DType::kU8};
  OpDef op;
  op.name = "BasicLSTM";
  op.group = "rnn";
  op.summary =
      "One step of long short-term memory cells with one weight matrix, as TFLite's basic kernel has it.";
  op.formula =
      "[i,g,f,o] = weights [x,h] + bias; c' = sigmoid(i) tanh(g) + sigmoid(f) c; h' = sigmoid(o) tanh(c')";
  op.inputs = {{"x", images, "[batch,inputs]"},
               {"h", images, "[batch,units]"},
               {"weights", images, "[4*units,inputs+units], gates i, g, f, o"},
               {"bias", {DType::kF32, DType::kI32}, "[4*units]"},
               {"c", {DType::kF32, DType::kI16}, "[batch,units]"}};
  op.outputs = {{"next_h", images, "[batch,units]"},
                {"next_c", {DType::kF32, DType::kI16}, "[batch,units]"},
                {"joined", images, "[batch,inputs+units]: x and h", Arity::kOptional},
                {"sums", {DType::kF32, DType::kI16}, "[batch,4*units]: of the gates", Arity::kOptional}};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 2 * context.CountOfInput(kWeights); };
  op.cases = [] {
    TestCase real{"f32",
                  {{.dims = {2, 3}, .low = -1, .high = 1},
                   {.dims = {2, 5}, .low = -1, .high = 1},
                   {.dims = {20, 8}, .low = -1, .high = 1},
                   {.dims = {20}, .low = -1, .high = 1},
                   {.dims = {2, 5}, .low = -1, .high = 1}},
                  {}};
    real.num_outputs = 4;
    const auto steps = [](DType dtype, Dims dims, double low, double high, float scale, int64_t zero) {
      return TestInput{.dtype = dtype,
                       .dims = std::move(dims),
                       .low = low,
                       .high = high,
                       .quant = Quant{{scale}, {zero}, -1}};
    };
    TestCase integer{
        "u8",
        {steps(DType::kU8, {2, 3}, 0, 255, 1.0F / 128, 128),
         steps(DType::kU8, {2, 5}, 0, 255, 1.0F / 128, 128), steps(DType::kU8, {20, 8}, 0, 255, 0.01F, 120),
         steps(DType::kI32, {20}, -9000, 9000, 0.01F / 128, 0),
         steps(DType::kI16, {2, 5}, -4000, 4000, 1.0F / 2048, 0)},
        {}};
    integer.num_outputs = 4;
    const Quant of_h{{1.0F / 128}, {128}, -1};
    integer.outputs_quant = {of_h, Quant{{1.0F / 2048}, {0}, -1}, of_h, Quant{{1.0F / 4096}, {0}, -1}};
    return std::vector<TestCase>{real, integer};
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "LSTM", 1, INT_MAX, ImportLstm}};
  return op;
}

}  // namespace slipway
