// The tactic for depthwise f32 Conv: one filter per channel.
#include <algorithm>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/image_kernel.h"
#include "backends/cpu/kernels/depthwise/depthwise_f32.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kSmallWork = 30000;  // multiplications that are not worth waking a thread for

std::optional<std::string> WhyNot(const Step& step) {
  if (auto reason = WhyNotConvF32(step)) return reason;
  if (!IsDepthwise(step)) return "not one filter per channel";
  return std::nullopt;
}

class DepthwiseKernel : public ImageKernel {
 public:
  explicit DepthwiseKernel(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    const int64_t channels = w.dim(0);
    const int64_t taps = w.count() / channels;
    weights_ = PackInput<float>(step, 1, w.count(), [&](float* to) {
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t t = 0; t < taps; ++t) to[t * channels + c] = w.as<float>()[c * taps + t];
      }
    });
    bias_.assign(static_cast<size_t>(channels), 0.0F);
    if (step.HasInput(2)) std::copy_n(step.inputs[2]->data.as<float>(), channels, bias_.begin());
  }

 protected:
  Status Convolve(const Images& images, const KernelArgs& args) const override {
    DepthwiseF32 conv;
    conv.geometry = images.geometry;
    conv.channels = static_cast<int64_t>(bias_.size());
    conv.x = images.x;
    conv.weights = weights_.data();
    conv.y = images.y;
    conv.epilogue = EpilogueOf(images);
    conv.epilogue.bias = bias_.data();
    const int64_t work = conv.geometry.out_w * conv.channels * conv.geometry.taps();
    // Neighbouring rows share their inputs: few and high chunks.
    const int64_t rows = conv.geometry.batch * conv.geometry.out_h;
    const int64_t grain =
        std::max(kSmallWork / std::max<int64_t>(work, 1), rows / (2 * args.pool.num_threads()));
    args.pool.ParallelFor(rows, std::max<int64_t>(grain, 1),
                          [&](int64_t begin, int64_t end) { RunDepthwiseF32(conv, begin, end); });
    return Status::Ok();
  }

 private:
  PackedArray<float> weights_;
  std::vector<float> bias_;
};

}  // namespace

std::vector<const Tactic*> DepthwiseTactics() {
  static const SimpleTactic depthwise("cpu/depthwise_f32", Speed{100, 60}, WhyNot,
                                      MakeKernel<DepthwiseKernel>);
  return {&depthwise};
}

}  // namespace slipway::cpu
