// Tactics for f32 normalisations by channel: BatchNormalization by given moments, InstanceNormalization by
// those of every plane, channels first.
#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/reduce/reduce.h"
#include "backends/cpu/sample.h"
#include "backends/cpu/tactics.h"

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

std::optional<std::string> WhyNotInstance(const Step& step) {
  if (step.op->name != "InstanceNormalization") return "not an InstanceNormalization";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (LayoutOf(step.attrs()) != Layout::kChannelsFirst) return "channels come last";
  if (!AreConstantF32(step, 3)) return "parameters are not constant f32";
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

}  // namespace

std::vector<const Tactic*> NormalizeTactics() {
  static const SimpleTactic batch("cpu/batch_norm_f32", 10, WhyNotBatch, MakeKernel<BatchKernel>);
  static const SimpleTactic instance("cpu/instance_norm_f32", 10, WhyNotInstance, MakeKernel<InstanceKernel>);
  return {&batch, &instance};
}

}  // namespace slipway::cpu
