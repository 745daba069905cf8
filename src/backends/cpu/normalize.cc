// Tactics for f32 normalisations by channel: BatchNormalization by given moments, InstanceNormalization by
// those of every plane.
#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/reduce/reduce.h"
#include "backends/cpu/sample.h"
#include "backends/cpu/tactics.h"
#include "base/round_up.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 16384;  // elements per task at least

bool AreConstantF32(const Step& step, size_t count) {
  for (size_t i = 1; i < count; ++i) {
    if (i >= step.inputs.size() || !IsConstantF32(step.inputs[i])) return false;
  }
  return true;
}

std::optional<std::string> WhyNotBatch(const Step& step) {
  if (step.op->name != "BatchNormalization") return "not a BatchNormalization";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (step.attrs().Int("training_mode") != 0) return "it is training";
  if (!AreConstantF32(step, 5)) return "parameters are not constant f32";
  if (!step.inputs[0]->type.HasRank() || step.inputs[0]->type.rank() < 2)
    return "the rank is unknown or below 2";
  return std::nullopt;
}

class BatchKernel : public Kernel {
 public:
  explicit BatchKernel(const Step& step) : layout_(LayoutOf(step.attrs())) {
    const auto epsilon = static_cast<double>(step.attrs().Float("epsilon"));
    const auto at = [&](size_t input, int64_t c) {
      return static_cast<double>(step.inputs[input]->data.as<float>()[c]);
    };
    for (int64_t c = 0; c < step.inputs[1]->data.count(); ++c) {
      factor_.push_back(static_cast<float>(at(1, c) / std::sqrt(at(4, c) + epsilon)));
      offset_.push_back(static_cast<float>(at(2, c)));
      center_.push_back(static_cast<float>(at(3, c)));
    }
  }

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (x.count() == 0) return Status::Ok();
    const auto channels = static_cast<int64_t>(factor_.size());
    const bool is_first = layout_ == Layout::kChannelsFirst;
    const int64_t width = is_first ? x.count() / (x.dim(0) * channels) : channels;
    const int64_t rows = x.count() / width;
    args.pool.ParallelFor(rows, std::max<int64_t>(1, kGrain / width), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float* from = x.as<float>() + row * width;
        float* to = args.out(0).as<float>() + row * width;
        if (is_first) {
          const auto c = static_cast<size_t>(row % channels);
          AffineF32(from, width, center_[c], factor_[c], offset_[c], to);
        } else {
          AffineRowF32(from, width, center_.data(), factor_.data(), offset_.data(), to);
        }
      }
    });
    return Status::Ok();
  }

 private:
  Layout layout_;
  std::vector<float> center_, factor_, offset_;
};

bool IsChannelsLast(const Step& step) { return LayoutOf(step.attrs()) == Layout::kChannelsLast; }

std::optional<std::string> WhyNotInstance(const Step& step) {
  if (step.op->name != "InstanceNormalization") return "not an InstanceNormalization";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (!AreConstantF32(step, 3)) return "parameters are not constant f32";
  return std::nullopt;
}

std::optional<std::string> WhyNotInstanceFirst(const Step& step) {
  if (auto reason = WhyNotInstance(step)) return reason;
  if (IsChannelsLast(step)) return "channels come last";
  return std::nullopt;
}

std::optional<std::string> WhyNotInstanceLast(const Step& step) {
  if (auto reason = WhyNotInstance(step)) return reason;
  if (!IsChannelsLast(step)) return "channels come first";
  return std::nullopt;
}

class InstanceKernel : public Kernel {
 public:
  explicit InstanceKernel(const Step& step)
      : epsilon_(static_cast<double>(step.attrs().Float("epsilon"))),
        scale_(step.inputs[1]->data),
        offset_(step.inputs[2]->data) {}

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (x.count() == 0) return Status::Ok();
    const int64_t channels = x.dim(1);
    const int64_t planes = x.dim(0) * channels;
    const int64_t width = x.count() / planes;
    args.pool.ParallelFor(planes, std::max<int64_t>(1, kGrain / width), [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const float* from = x.as<float>() + plane * width;
        const MeanAndVariance moments = MomentsF32(from, width);
        const auto scale = static_cast<double>(scale_.as<float>()[plane % channels]);
        const double factor = scale / std::sqrt(moments.variance + epsilon_);
        AffineF32(from, width, static_cast<float>(moments.mean), static_cast<float>(factor),
                  offset_.as<float>()[plane % channels], args.out(0).as<float>() + plane * width);
      }
    });
    return Status::Ok();
  }

 private:
  double epsilon_;
  Tensor scale_, offset_;
};

// Pixels in stretches of fixed length, whatever the number of threads: sums of each, then of all.
class InstanceLastKernel : public Kernel {
 public:
  explicit InstanceLastKernel(const Step& step)
      : epsilon_(static_cast<double>(step.attrs().Float("epsilon"))),
        scale_(step.inputs[1]->data),
        offset_(step.inputs[2]->data) {}

  bool CanOverwrite(size_t input, size_t) const override { return input == 0; }

  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type>) const override {
    const Sizes sizes(KnownDims(*inputs[0].shape));
    return sizes.images * sizes.channels *
           (2 * sizes.stretches * static_cast<int64_t>(sizeof(double)) +
            2 * static_cast<int64_t>(sizeof(float)));
  }

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (x.count() == 0) return Status::Ok();
    const Sizes sizes(x.dims());
    auto* sums = reinterpret_cast<double*>(args.workspace.data());
    auto* centers = reinterpret_cast<float*>(sums + 2 * sizes.images * sizes.stretches * sizes.channels);
    float* factors = centers + sizes.images * sizes.channels;
    args.pool.ParallelFor(sizes.images * sizes.stretches, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) SumStretch(sizes, x.as<float>(), i, sums);
    });
    for (int64_t image = 0; image < sizes.images; ++image)
      Finish(sizes, x.as<float>(), image, sums, centers, factors);
    args.pool.ParallelFor(sizes.images * sizes.pixels, std::max<int64_t>(1, kGrain / sizes.channels),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t i = begin; i < end; ++i) {
                              const int64_t first = i / sizes.pixels * sizes.channels;
                              AffineRowF32(x.as<float>() + i * sizes.channels, sizes.channels,
                                           centers + first, factors + first, offset_.as<float>(),
                                           args.out(0).as<float>() + i * sizes.channels);
                            }
                          });
    return Status::Ok();
  }

 private:
  struct Sizes {
    explicit Sizes(const Dims& dims) : images(dims[0]), channels(dims.back()) {
      for (size_t i = 1; i + 1 < dims.size(); ++i) pixels *= dims[i];
      length = std::max<int64_t>(1, 2 * kGrain / std::max<int64_t>(1, channels));
      stretches = DivideUp(pixels, length);
    }
    int64_t images, channels, pixels = 1;
    int64_t length = 1, stretches = 1;  // pixels of a stretch, and stretches of an image
  };

  // sums: [image][stretch][2][channel], of deviations from the image's first pixel and of their squares.
  static void SumStretch(const Sizes& sizes, const float* x, int64_t i, double* sums) {
    const float* image = x + i / sizes.stretches * sizes.pixels * sizes.channels;
    const int64_t begin = i % sizes.stretches * sizes.length;
    const int64_t count = std::min(sizes.length, sizes.pixels - begin);
    double* own = sums + 2 * i * sizes.channels;
    std::fill_n(own, 2 * sizes.channels, 0.0);
    AddMomentsF32(image + begin * sizes.channels, count, sizes.channels, image, own, own + sizes.channels);
  }

  void Finish(const Sizes& sizes, const float* x, int64_t image, const double* sums, float* centers,
              float* factors) const {
    const auto count = static_cast<double>(sizes.pixels);
    for (int64_t c = 0; c < sizes.channels; ++c) {
      double sum = 0, squares = 0;
      for (int64_t k = 0; k < sizes.stretches; ++k) {
        const double* own = sums + 2 * (image * sizes.stretches + k) * sizes.channels + c;
        sum += own[0];
        squares += own[sizes.channels];
      }
      const double shift = static_cast<double>(x[image * sizes.pixels * sizes.channels + c]);
      const double rest = sum / count;
      const double variance = squares / count - rest * rest;
      const auto scale = static_cast<double>(scale_.as<float>()[c]);
      centers[image * sizes.channels + c] = static_cast<float>(shift + rest);
      factors[image * sizes.channels + c] =
          static_cast<float>(scale / std::sqrt((variance < 0 ? 0 : variance) + epsilon_));
    }
  }

  double epsilon_;
  Tensor scale_, offset_;
};

}  // namespace

std::vector<const Tactic*> NormalizeTactics() {
  static const SimpleTactic batch("cpu/batch_norm_f32", BoundByMemory(70), WhyNotBatch,
                                  MakeKernel<BatchKernel>);
  static const SimpleTactic instance("cpu/instance_norm_f32", BoundByMemory(18), WhyNotInstanceFirst,
                                     MakeKernel<InstanceKernel>);
  static const SimpleTactic last("cpu/instance_norm_last_f32", BoundByMemory(18), WhyNotInstanceLast,
                                 MakeKernel<InstanceLastKernel>);
  return {&batch, &instance, &last};
}

}  // namespace slipway::cpu
