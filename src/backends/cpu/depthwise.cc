// The tactic for depthwise f32 Conv: one filter per channel.
#include <algorithm>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/image_kernel.h"
#include "backends/cpu/kernels/depthwise/depthwise_bf16.h"
#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/pointwise_depthwise.h"
#include "backends/cpu/product.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kSmallWork = 30000;  // multiplications that are not worth waking a thread for

std::optional<std::string> WhyNot(const Step& step) {
  if (auto reason = WhyNotConvF32(step)) return reason;
  if (!IsDepthwise(step)) return "not one filter per channel";
  return std::nullopt;
}

std::optional<std::string> WhyNotBf16(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (LayoutOf(step.attrs()) != Layout::kChannelsLast) return "channels come first";
  return WhyNoBf16();
}

template <Precision kPrecision>
class DepthwiseKernel : public ImageKernel {
 public:
  explicit DepthwiseKernel(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    channels_ = w.dim(0);
    const int64_t taps = w.count() / channels_;
    weights_ = PackInput<float>(step, 1, taps * padded(), [&](float* to) {
      std::vector<float> by_tap(static_cast<size_t>(w.count()));
      for (int64_t c = 0; c < channels_; ++c) {
        for (int64_t t = 0; t < taps; ++t)
          by_tap[static_cast<size_t>(t * channels_ + c)] = w.as<float>()[c * taps + t];
      }
      PackRows(by_tap.data(), taps, to);
    });
    bias_ = PackedArray<float>(padded());
    if (step.HasInput(2)) PackRows(step.inputs[2]->data.as<float>(), 1, bias_.mutable_data());
  }

  bool CanRunBehind(const Kernel& first, const PairTypes& types) const override {
    const auto pair = PairFor(first, types);
    return pair && !WhyNotPair(*pair);
  }
  int64_t ThreadWorkspaceBehind(const Kernel& first, const PairTypes& types) const override {
    const auto pair = PairFor(first, types);
    return pair ? PairScratchBytes(*pair) : 0;
  }
  Status RunBehind(const Kernel& first, const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (args.out(0).count() == 0) return Status::Ok();
    const auto layer = static_cast<const ImageKernel&>(first).AsPointwise();
    // The image between has x's rows and columns.
    PointwiseDepthwise pair{*layer, ConstElements(x), args.in_step(0),
                            *AsDepthwise(ImageOf(x.dims()), ImageOf(args.out(0).dims()))};
    pair.depthwise.conv.geometry.out_step = args.out_step(0);
    pair.depthwise.conv.y = Elements(args.out(0));
    RunPair(pair, args);
    return Status::Ok();
  }

  std::optional<DepthwiseLayer> AsDepthwise(const Image2& x, const Image2& y) const override {
    if (!IsChannelsLast() || HasResidual()) return std::nullopt;
    DepthwiseLayer layer{LayerFor(GeometryFor(x, y)), kPrecision};
    layer.conv.epilogue.activation = activation();
    return layer;
  }

 protected:
  bool TakesBf16() const override { return kPrecision == Precision::kBf16; }

  Status Convolve(const Images& images, const KernelArgs& args) const override {
    DepthwiseF32 conv = LayerFor(images.geometry);
    conv.x = images.x;
    conv.y = images.y;
    conv.epilogue = EpilogueOf(images);
    conv.epilogue.bias = bias_.data();
    const int64_t rows = conv.geometry.batch * conv.geometry.out_h;
    if (rows < 4 * args.pool.num_threads() && conv.channels >= 4 * kDepthwiseBlock) {
      // A small image, whose products shared out their panels, too, in the same parts: a thread finds its
      // channels in its own cache.
      const int64_t blocks = DivideUp(conv.channels, kDepthwiseBlock);
      const int64_t parts = std::min<int64_t>(blocks, 4 * args.pool.num_threads());
      const auto channel_at = [&](int64_t part) { return part * blocks / parts * kDepthwiseBlock; };
      args.pool.ParallelFor(
          parts, GrainOf(rows * conv.geometry.out_w * conv.channels / parts * conv.geometry.taps()),
          [&](int64_t begin, int64_t end) {
            RunDepthwise(kPrecision, conv.Channels(channel_at(begin), channel_at(end)), 0, rows);
          });
      return Status::Ok();
    }
    const int64_t work = conv.geometry.out_w * conv.channels * conv.geometry.taps();
    // Neighbouring rows share their inputs: few and high chunks.
    const int64_t grain =
        std::max(kSmallWork / std::max<int64_t>(work, 1), rows / (2 * args.pool.num_threads()));
    args.pool.ParallelFor(rows, std::max<int64_t>(grain, 1),
                          [&](int64_t begin, int64_t end) { RunDepthwise(kPrecision, conv, begin, end); });
    return Status::Ok();
  }

 private:
  static Image2 ImageOf(const Dims& dims) { return ViewImage2(dims, Layout::kChannelsLast); }
  // But for where the images lie and what is behind the sums.
  DepthwiseF32 LayerFor(const ConvGeometry& geometry) const {
    DepthwiseF32 conv;
    conv.geometry = geometry;
    conv.channels = channels_;
    conv.weights = weights_.data();
    conv.weights_step = padded();
    conv.epilogue.bias = bias_.data();
    return conv;
  }
  // With the images' types and shapes. nullopt: `first` is no pointwise layer, or there is a residual.
  std::optional<PointwiseDepthwise> PairFor(const Kernel& first, const PairTypes& types) const {
    const auto* image = dynamic_cast<const ImageKernel*>(&first);
    const auto layer = image == nullptr ? std::nullopt : image->AsPointwise();
    const auto own =
        AsDepthwise(ImageOf(KnownDims(*types.inputs[0].shape)), ImageOf(KnownDims(*types.outputs[0].shape)));
    if (!layer || !own) return std::nullopt;
    const Type& x = types.first_inputs[0];
    PointwiseDepthwise pair{*layer, {}, layer->in_c, *own};
    if (x.dtype == DType::kBF16) pair.x = static_cast<const uint16_t*>(nullptr);
    return pair;
  }
  int64_t padded() const {
    return kPrecision == Precision::kBf16 ? RoundUp(channels_, kDepthwiseBlock) : channels_;
  }
  void PackRows(const float* from, int64_t rows, float* to) const {
    if (kPrecision == Precision::kBf16)
      PackDepthwiseBf16(from, rows, channels_, to);
    else
      std::copy_n(from, rows * channels_, to);
  }

  int64_t channels_ = 0;
  PackedArray<float> weights_, bias_;
};

}  // namespace

std::vector<const Tactic*> DepthwiseTactics() {
  static const SimpleTactic f32("cpu/depthwise_f32", Speed{100, 60}, WhyNot,
                                MakeKernel<DepthwiseKernel<Precision::kF32>>);
  static const Bf16Tactic bf16("cpu/depthwise_bf16", Speed{120, 80}, WhyNotBf16,
                               MakeKernel<DepthwiseKernel<Precision::kBf16>>);
  return {&f32, &bf16};
}

}  // namespace slipway::cpu
