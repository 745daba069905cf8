// Tactic for nearest Resize of whole rows: axes that change stand before the last one, channels last as a
// rule. Pixels are copied, and their rows may have gaps on either side.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "backends/cpu/sample.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kTaskBytes = 32768;
constexpr int64_t kMaxPixels = int64_t{1} << 24;  // the plan takes as long to make as the reference to run

// The pixels' extents: all but the last.
Dims PixelDims(const Type& type) {
  const Dims dims = KnownDims(*type.shape);
  return {dims.begin(), dims.end() - 1};
}

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Resize" || step.attrs().String("mode") != "nearest") return "not a nearest Resize";
  if (step.attrs().String("coordinate_transformation_mode") == "tf_crop_and_resize")
    return "crops beyond the image";
  const DType dtype = TypeOf(step.inputs[0]);
  if (!HasWholeBytes(dtype)) return "elements are not whole bytes";
  if (step.inputs[0]->quant != step.outputs[0]->quant) return "the scale changes";
  if (!AreOthersConstant(step)) return "scales or sizes are not constant";
  const Type& in = step.inputs[0]->type;
  const Type& out = step.outputs[0]->type;
  if (!in.IsStatic() || !out.IsStatic() || CountOfType(in) == 0) return "shapes are not static, or empty";
  if (in.rank() < 2 || in.rank() != out.rank()) return "fewer than two axes";
  if (in.shape->back() != out.shape->back()) return "the last axis changes";
  if (CountOf(PixelDims(out)) > kMaxPixels || CountOf(PixelDims(in)) > kMaxPixels) return "too large to plan";
  return std::nullopt;
}

class NearestKernel : public Kernel {
 public:
  explicit NearestKernel(const Step&) {}

  // The reference, run on pixel numbers, says which pixel each is made of. One channel is enough, unless the
  // extents of all axes decide the scale.
  Status Init(const Step& step) {
    const Dims pixels = PixelDims(step.inputs[0]->type);
    const int64_t channels = step.inputs[0]->type.shape->back().value();
    in_count_ = CountOf(pixels) * channels;
    const bool is_free = step.attrs().String("keep_aspect_ratio_policy") == "stretch";
    const int64_t sampled = is_free ? 1 : channels;
    Dims dims = pixels;
    dims.push_back(sampled);
    Tensor numbers(DType::kI32, dims);
    for (int64_t i = 0, count = numbers.count(); i < count; ++i)
      numbers.as<int32_t>()[i] = static_cast<int32_t>(i / sampled);
    std::vector<StandIn> stand_ins;
    stand_ins.push_back({0, std::move(numbers)});
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results,
                             RunOnSample(step, std::move(stand_ins), SampleQuant::kDropped));
    const Tensor& result = results[0].tensor;
    const Dims out_pixels = PixelDims(step.outputs[0]->type);
    if (!std::equal(out_pixels.begin(), out_pixels.end(), result.dims().begin()))
      return Status(Code::kInternal, "Resize '" + step.node->name + "' gives another shape with one channel");
    const int64_t each = result.dims().back();
    source_.resize(static_cast<size_t>(CountOf(out_pixels)));
    for (size_t i = 0; i < source_.size(); ++i)
      source_[i] = each == 0 ? 0 : result.as<int32_t>()[static_cast<int64_t>(i) * each];
    return Status::Ok();
  }

  bool CanReadSteps(size_t input) const override { return input == 0; }
  bool CanWriteSteps(size_t) const override { return true; }

  Status Run(const KernelArgs& args) const override {
    const int64_t channels = args.in(0).dims().back();
    if (args.in(0).count() != in_count_ ||
        args.out(0).count() != static_cast<int64_t>(source_.size()) * channels)
      return Status(Code::kInternal, "planned for another shape");
    const int64_t element = BitsOf(args.in(0).dtype()) / 8;
    const int64_t bytes = channels * element;
    const int64_t x_step = args.in_step(0) * element;
    const int64_t y_step = args.out_step(0) * element;
    const auto* x = args.in(0).as<uint8_t>();
    auto* y = args.out(0).as<uint8_t>();
    args.pool.ParallelFor(static_cast<int64_t>(source_.size()), std::max<int64_t>(1, kTaskBytes / bytes),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t i = begin; i < end; ++i) {
                              std::memcpy(y + i * y_step, x + source_[static_cast<size_t>(i)] * x_step,
                                          static_cast<size_t>(bytes));
                            }
                          });
    return Status::Ok();
  }

 private:
  int64_t in_count_ = 0;
  std::vector<int32_t> source_;  // by output pixel
};

}  // namespace

std::vector<const Tactic*> ResizeNearestTactics() {
  static const SimpleTactic nearest("cpu/resize_nearest", BoundByMemory(35), WhyNot,
                                    MakeKernel<NearestKernel>);
  return {&nearest};
}

}  // namespace slipway::cpu
