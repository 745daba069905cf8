// Energies gathered into overlapping bands, each frequency shared between two: TensorFlow Lite Micro's
// SignalFilterBank.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

enum Operand : size_t { kEnergy = 0, kWeights, kUnweights, kFrequencyStarts, kWeightStarts, kWidths };

constexpr int64_t kMaxChannels = 1 << 20;

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "num_channels", 0, kMaxChannels));
  context.SetOutput(0, DType::kU64, {context.attrs().Int("num_channels")});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const int64_t channels = context.attrs().Int("num_channels");
  const Tensor& energy = context.in(kEnergy);
  for (size_t list : {kFrequencyStarts, kWeightStarts, kWidths}) {
    if (context.in(list).count() != channels + 1)
      return context.Error("input " + std::to_string(list) + " is " + Describe(context.in(list)) +
                           "; it needs " + std::to_string(channels + 1) + " entries");
  }
  const int64_t weights = std::min(context.in(kWeights).count(), context.in(kUnweights).count());
  Tensor& y = context.out(0);
  // A band's first half is the second half of the one before it; the first band of all is no result.
  uint64_t carried = 0;
  for (int64_t band = 0; band <= channels; ++band) {
    const int64_t frequency = context.in(kFrequencyStarts).as<int16_t>()[band];
    const int64_t weight = context.in(kWeightStarts).as<int16_t>()[band];
    const int64_t width = std::max<int64_t>(context.in(kWidths).as<int16_t>()[band], 0);
    if (frequency < 0 || weight < 0 || frequency + width > energy.count() || weight + width > weights)
      return context.Error("band " + std::to_string(band) + " reaches beyond the spectrum " +
                           Describe(energy) + " or the weights");
    uint64_t rising = carried;
    carried = 0;
    for (int64_t i = 0; i < width; ++i) {
      const uint64_t value = energy.as<uint32_t>()[frequency + i];
      const auto share = [&](Operand of) {
        return static_cast<uint64_t>(int64_t{context.in(of).as<int16_t>()[weight + i]}) * value;
      };
      rising += share(kWeights);
      carried += share(kUnweights);
    }
    if (band > 0) y.as<uint64_t>()[band - 1] = rising;
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalFilterBank() {
  OpDef op;
  op.name = "SignalFilterBank";
  op.group = "signal";
  op.summary = "Energies gathered into overlapping bands, such as mel's.";
  op.formula = "y[b] = sum over band b of unweights energy + sum over band b + 1 of weights energy";
  op.inputs = {{"energy", {DType::kU32}, "[frequencies]"},
               {"weights", {DType::kI16}, "[weights]: what goes to the band itself"},
               {"unweights", {DType::kI16}, "[weights]: what goes to the next band"},
               {"frequency_starts", {DType::kI16}, "[channels+1]: first frequency of each band"},
               {"weight_starts", {DType::kI16}, "[channels+1]: first weight of each band"},
               {"widths", {DType::kI16}, "[channels+1]: frequencies of each band"}};
  op.outputs = {{"y", {DType::kU64}, "[channels]"}};
  op.attrs = {Required(IntAttr("num_channels", 0, "bands"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto list = [](std::vector<double> values) {
      return TestInput{.dtype = DType::kI16, .dims = {static_cast<int64_t>(values.size())}, .values = values};
    };
    const TestInput weights{.dtype = DType::kI16, .dims = {9}, .low = 0, .high = 4096};
    return std::vector<TestCase>{{"two",
                                  {{.dtype = DType::kU32, .dims = {12}, .low = 0, .high = 1e9},
                                   weights,
                                   weights,
                                   list({1, 3, 7}),
                                   list({0, 2, 6}),
                                   list({2, 4, 3})},
                                  {{"num_channels", int64_t{2}}}}};
  };
  op.foreign = {{Format::kTflite, "SignalFilterBank"}};
  return op;
}

}  // namespace slipway
