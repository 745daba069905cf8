// Quantise and dequantise at once, as training with quantisation does; ranges are nudged so that 0 is exact.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/run.h"

namespace slipway {
namespace {

struct Range {
  float low, high, scale;
};

// Shifts [low, high] to where 0 falls on a step.
Range Nudge(float low, float high, int64_t bits, bool is_narrow) {
  const auto lowest = static_cast<float>(is_narrow ? 1 : 0);
  const auto highest = static_cast<float>((int64_t{1} << bits) - 1);
  const float scale = (high - low) / (highest - lowest);
  const float zero = lowest - low / scale;
  const float nudged = zero < lowest ? lowest : zero > highest ? highest : std::round(zero);
  return {(lowest - nudged) * scale, (highest - nudged) * scale, scale};
}

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  const int64_t bits = context.attrs().Int("num_bits", 8);
  if (bits < 2 || bits > 16)
    return context.Error("num_bits is " + std::to_string(bits) + "; allowed is 2 to 16");
  if (!context.shape(0) || !context.shape(1) || !context.shape(2)) return Status::Ok();
  if (*context.shape(1) != *context.shape(2)) return context.Error("min and max must have one shape");
  const DimList& range = *context.shape(1);
  const bool is_scalar = range.empty() || (range.size() == 1 && range[0] == Dim(1));
  if (is_scalar) return Status::Ok();
  const DimList& x = *context.shape(0);
  const bool is_fitting =
      range.size() == 1 && !x.empty() && (!range[0].IsKnown() || !x.back().IsKnown() || range[0] == x.back());
  return is_fitting
             ? Status::Ok()
             : context.Error("ranges " + ToString(range) + " do not fit the last axis of " + ToString(x));
}

Status Reference(RunContext& context) {
  const std::span<const float> x = context.in(0).values<float>();
  const int64_t channels = context.in(1).count();
  const int64_t bits = context.attrs().Int("num_bits", 8);
  const bool is_narrow = context.attrs().Int("narrow_range") != 0;
  std::vector<Range> ranges;
  for (int64_t c = 0; c < channels; ++c) {
    const float low = context.in(1).as<float>()[c];
    const float high = context.in(2).as<float>()[c];
    if (low == 0 && high == 0) {
      ranges.push_back({0, 0, 1});
    } else if (!(low <= 0 && high >= 0 && low < high)) {
      return context.Error("the range [" + std::to_string(low) + ", " + std::to_string(high) +
                           "] must contain 0");
    } else {
      ranges.push_back(Nudge(low, high, bits, is_narrow));
    }
  }
  for (size_t i = 0; i < x.size(); ++i) {
    const Range& range = ranges[i % ranges.size()];
    const float inverse = 1.0F / range.scale;
    const float shifted = std::clamp(x[i], range.low, range.high) - range.low;
    context.out(0).as<float>()[i] = std::floor(shifted * inverse + 0.5F) * range.scale + range.low;
  }
  return Status::Ok();
}

// The range as attributes: TFLite's FAKE_QUANT, TensorFlow's FakeQuantWithMinMaxArgs.
Status ImportArgs(ImportContext& context) {
  const Attrs& given = context.attrs();
  const ValueId low = context.builder().Scalar(DType::kF32, static_cast<double>(given.Float("min", -6)));
  const ValueId high = context.builder().Scalar(DType::kF32, static_cast<double>(given.Float("max", 6)));
  return context.Emit("FakeQuant", {context.in(0), low, high},
                      {{"num_bits", given.Int("num_bits", 8)}, {"narrow_range", given.Int("narrow_range")}});
}

}  // namespace

OpDef MakeFakeQuant() {
  OpDef op;
  op.name = "FakeQuant";
  op.group = "quant";
  op.summary = "Rounds reals to what an integer of few bits over a range can hold.";
  op.formula = "y = round((clamp(x, min, max) - min) / step) * step + min, step = (max - min) / (2^bits - 1)";
  op.inputs = {{"x", {DType::kF32}, "any shape"},
               {"min", {DType::kF32}, "scalar or [last extent]; <= 0"},
               {"max", {DType::kF32}, "scalar or [last extent]; >= 0"}};
  op.outputs = {{"y", {DType::kF32}, "the shape of x"}};
  op.attrs = {IntAttr("num_bits", 8, "2 to 16"),
              IntAttr("narrow_range", 0, "1: leave the lowest integer out")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 6 * context.CountOfOutput(0); };
  op.cases = [] {
    std::vector<TestCase> cases;
    const TestInput low{.dims = {}, .values = {-1.3}, .is_constant = true};
    const TestInput high{.dims = {}, .values = {1.7}, .is_constant = true};
    for (int64_t bits : {4, 8, 16})
      cases.push_back({std::to_string(bits) + "_bits", {{.dims = {3, 41}}, low, high}, {{"num_bits", bits}}});
    cases.push_back({"narrow", {{.dims = {77}}, low, high}, {{"narrow_range", int64_t{1}}}});
    return cases;
  };
  op.foreign = {{Format::kTflite, "FAKE_QUANT", 1, INT_MAX, ImportArgs},
                {Format::kTensorflow, "FakeQuantWithMinMaxArgs", 1, INT_MAX, ImportArgs},
                {Format::kTensorflow, "FakeQuantWithMinMaxVars"},
                {Format::kTensorflow, "FakeQuantWithMinMaxVarsPerChannel"}};
  return op;
}

}  // namespace slipway
