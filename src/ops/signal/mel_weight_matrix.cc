// Weights that gather the bins of a spectrum into mel bands: triangles that overlap by half.
//
// Source: ONNX MelWeightMatrix-17. Edges are evenly spaced in mel = 2595 log10(1 + hertz / 700) and rounded
// down to whole bins.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/onnx_dtype.h"
#include "ops/run.h"

namespace slipway {
namespace {

Dim NumberOf(const InferContext& context, size_t i) {
  const auto content = context.content(i);
  return content && content->size() == 1 ? (*content)[0] : Dim();
}

Status Infer(InferContext& context) {
  const Dim bands = NumberOf(context, 0);
  const Dim length = NumberOf(context, 1);
  if ((bands.IsKnown() && bands.value() < 1) || (length.IsKnown() && length.value() < 1))
    return context.Error(bands.ToString() + " bands of a transform of " + length.ToString() +
                         "; both must be 1 or more");
  context.SetOutput(0, context.attrs().Type("dtype"), {FloorDiv(length, 2) + 1, bands});
  return Status::Ok();
}

double HertzToMel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double MelToHertz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

Status Reference(RunContext& context) {
  double numbers[5];  // bands, transform's length, sample rate, lower and upper edge in hertz
  for (size_t i = 0; i < 5; ++i) {
    if (context.in(i).count() != 1)
      return context.Error("input " + std::to_string(i) + " must be one number");
    numbers[i] = LoadReal(context.in(i).dtype(), context.in(i).data(), 0);
  }
  const auto [bands, length, rate, lower, upper] = numbers;
  const bool is_sane =
      bands >= 1 && length >= 1 && rate >= 1 && lower >= 0 && lower <= upper && upper <= rate / 2;
  if (!is_sane)
    return context.Error(
        "the edges must rise from 0 to half the sample rate, the other inputs must be 1 or more");
  const auto num_bins = static_cast<int64_t>(length) / 2 + 1;
  SLIPWAY_RETURN_IF_ERROR(ElementCount(Dims{num_bins, static_cast<int64_t>(bands)}).status());
  Tensor& y = context.AllocateOutput(0, {num_bins, static_cast<int64_t>(bands)});

  const double first_mel = HertzToMel(lower);
  const double step = (HertzToMel(upper) - first_mel) / (bands + 2);
  // Named again: clang 14 captures no structured binding.
  const auto edge = [=, length = length, rate = rate](int64_t i) {
    const double hertz = MelToHertz(first_mel + static_cast<double>(i) * step);
    return static_cast<int64_t>(std::floor((length + 1) * hertz / rate));
  };
  for (int64_t i = 0; i < y.count(); ++i) StoreReal(y.dtype(), y.data(), i, 0);
  for (int64_t band = 0; band < y.dim(1); ++band) {
    const int64_t left = edge(band), center = edge(band + 1), right = edge(band + 2);
    const auto set = [&](int64_t bin, double weight) {
      if (bin < num_bins) StoreReal(y.dtype(), y.data(), bin * y.dim(1) + band, weight);
    };
    if (left == center) set(center, 1);
    for (int64_t bin = left; bin <= center && left < center; ++bin)
      set(bin, static_cast<double>(bin - left) / static_cast<double>(center - left));
    for (int64_t bin = center; bin < right; ++bin)
      set(bin, static_cast<double>(right - bin) / static_cast<double>(right - center));
  }
  return Status::Ok();
}

Status ImportOnnx(ImportContext& context) {
  const int64_t number = context.attrs().Int("output_datatype", 1);
  const auto dtype = DTypeFromOnnx(number);
  if (!dtype) return context.Error("output_datatype " + std::to_string(number) + " is unknown");
  return context.Emit("MelWeightMatrix", context.node().inputs, {{"dtype", *dtype}});
}

}  // namespace

OpDef MakeMelWeightMatrix() {
  OpDef op;
  op.name = "MelWeightMatrix";
  op.group = "signal";
  op.summary = "A matrix that gathers the bins of a spectrum into bands evenly spaced in mel.";
  op.inputs = {{"num_mel_bins", kIndices, "one number: bands"},
               {"dft_length", kIndices, "one number: length of the transform"},
               {"sample_rate", kIndices, "one number, in hertz"},
               {"lower_edge_hertz", kFloats, "one number: where the first band begins"},
               {"upper_edge_hertz", kFloats, "one number: where the last band ends"}};
  op.outputs = {{"y", kNumbers, "[dft_length / 2 + 1, num_mel_bins]"}};
  op.attrs = {DTypeAttr("dtype", DType::kF32, "type of the result")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto number = [](double value, DType dtype) {
      return TestInput{.dtype = dtype, .dims = {}, .values = {value}, .is_constant = true};
    };
    const DType i64 = DType::kI64, f32 = DType::kF32;
    return std::vector<TestCase>{
        {"speech",
         {number(40, i64), number(512, i64), number(16000, i64), number(125, f32), number(7500, f32)},
         {}},
        {"narrow",
         {number(8, i64), number(16, i64), number(8192, i64), number(0, f32), number(4096, f32)},
         {}}};
  };
  op.foreign = {{Format::kOnnx, "MelWeightMatrix", 17, INT_MAX, ImportOnnx}};
  return op;
}

}  // namespace slipway
