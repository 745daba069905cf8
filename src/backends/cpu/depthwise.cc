// The tactic for depthwise f32 Conv: one filter per channel.
#include <algorithm>

#include "backends/cpu/image_kernel.h"
#include "backends/cpu/kernels/depthwise/depthwise_f32.h"

namespace slipway::cpu {
namespace {

std::optional<std::string> WhyNot(const Step& step) {
  if (auto reason = WhyNotConvF32(step)) return reason;
  if (auto reason = WhyNotResidual(step)) return reason;
  if (!IsDepthwise(step)) return "not one filter per channel";
  return std::nullopt;
}

class DepthwiseKernel : public ImageKernel {
 public:
  explicit DepthwiseKernel(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    const int64_t channels = w.dim(0);
    const int64_t taps = w.count() / channels;
    weights_.resize(static_cast<size_t>(w.count()));
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t t = 0; t < taps; ++t)
        weights_[static_cast<size_t>(t * channels + c)] = w.as<float>()[c * taps + t];
    }
    bias_.assign(static_cast<size_t>(channels), 0.0F);
    if (step.HasInput(2)) std::copy_n(step.inputs[2]->data.as<float>(), channels, bias_.begin());
  }

  // The generic kernel reads and writes dense images only.
  bool CanReadSteps(size_t) const override { return false; }
  bool CanWriteSteps(size_t) const override { return false; }

 protected:
  void Convolve(const Images& images, const KernelArgs& args) const override {
    const ConvGeometry& geometry = images.geometry;
    const DepthwiseF32 conv{geometry, images.x, weights_.data(), bias_.data(), images.y, activation()};
    const int64_t rows = geometry.batch * geometry.out_h;
    const int64_t work = geometry.out_w * geometry.out_step * geometry.taps();
    args.pool.ParallelFor(rows, std::max<int64_t>(1, 30000 / std::max<int64_t>(work, 1)),
                          [&](int64_t begin, int64_t end) { RunDepthwiseF32(conv, begin, end); });
  }

 private:
  std::vector<float> weights_, bias_;
};

}  // namespace

std::vector<const Tactic*> DepthwiseTactics() {
  static const SimpleTactic depthwise("cpu/depthwise_f32", Speed{42, 60}, WhyNot,
                                      MakeKernel<DepthwiseKernel>);
  return {&depthwise};
}

}  // namespace slipway::cpu
