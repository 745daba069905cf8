// Tactics for f32 Conv, groups included, of one or two spatial axes.
//
// Images with channels first pass through a channels-last copy in the workspace, in and out.
#include <algorithm>

#include "backends/cpu/kernels/depthwise/depthwise_f32.h"
#include "backends/cpu/kernels/move/transpose.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Conv") return "not a Conv";
  if (auto reason = WhyNotResidual(step)) return reason;
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (!IsConstantF32(step.inputs[1])) return "weights are not constant f32";
  if (step.HasInput(2) && !IsConstantF32(step.inputs[2])) return "bias is not constant f32";
  const int rank = step.inputs[1]->data.rank();
  if (rank != 3 && rank != 4) return "not one or two spatial axes";
  if (step.inputs[1]->data.count() == 0) return "weights are empty";
  return std::nullopt;
}

bool IsDepthwise(const Step& step) {
  const Dims& w = step.inputs[1]->data.dims();
  const bool is_last = LayoutOf(step.attrs()) == Layout::kChannelsLast;
  return step.attrs().Int("group", 1) == w[0] && (is_last ? w.back() : w[1]) == 1 && w[0] > 1;
}

std::optional<std::string> WhyNotDepthwise(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (!IsDepthwise(step)) return "not one filter per channel";
  return std::nullopt;
}

std::optional<std::string> WhyNotPanels(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (IsDepthwise(step)) return "one filter per channel: 16 times the work that is needed";
  return std::nullopt;
}

// What both kernels share: geometry and the channels-last copies.
class ImageKernel : public Kernel {
 public:
  Status Init(const Step& step) {
    layout_ = LayoutOf(step.attrs());
    const Tensor& w = step.inputs[1]->data;
    weight_ = ViewImage2(w.dims(), layout_);
    const Ints kernel = w.rank() == 4 ? Ints{weight_.h, weight_.w} : Ints{weight_.w};
    SLIPWAY_ASSIGN_OR_RETURN(window_, Window2::Read(step.attrs(), kernel));
    group_ = step.attrs().Int("group", 1);
    activation_ = FusedOf(ActivationOf(step.attrs()));
    return Status::Ok();
  }

  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const override {
    if (layout_ == Layout::kChannelsLast) return 0;
    return (Rounded(CountOfType(inputs[0])) + Rounded(CountOfType(outputs[0]))) * 4;
  }

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    Tensor& y = args.out(0);
    if (y.count() == 0) return Status::Ok();
    const Image2 in = ViewImage2(x.dims(), layout_);
    const Image2 out = ViewImage2(y.dims(), layout_);
    if (layout_ == Layout::kChannelsLast) {
      Convolve(GeometryOf(window_, in, out, group_), x.as<float>(), y.as<float>(), args.pool);
      return Status::Ok();
    }
    const int64_t in_count = Rounded(x.count());
    if (static_cast<int64_t>(args.workspace.size()) < (in_count + Rounded(y.count())) * 4) {
      return Status(Code::kInternal, "convolution got too little workspace");
    }
    auto* x_last = reinterpret_cast<float*>(args.workspace.data());
    float* y_last = x_last + in_count;
    TransposeImages(x.as<float>(), in.n, in.c, in.h * in.w, x_last, args.pool);
    Convolve(GeometryOf(window_, in, out, group_), x_last, y_last, args.pool);
    TransposeImages(y_last, out.n, out.h * out.w, out.c, y.as<float>(), args.pool);
    return Status::Ok();
  }

 protected:
  virtual void Convolve(const ConvGeometry& geometry, const float* x, float* y, ThreadPool& pool) const = 0;

  static int64_t Rounded(int64_t count) { return (count + 15) / 16 * 16; }

  Layout layout_ = Layout::kChannelsLast;
  Image2 weight_;
  Window2 window_;
  int64_t group_ = 1;
  FusedActivation activation_;
};

class ConvKernel : public ImageKernel {
 public:
  explicit ConvKernel(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    const Image2 view = ViewImage2(w.dims(), LayoutOf(step.attrs()));
    const bool is_last = LayoutOf(step.attrs()) == Layout::kChannelsLast;
    const int64_t groups = step.attrs().Int("group", 1);
    const int64_t out_c = view.n / groups;
    const int64_t taps = view.h * view.w;
    panels_ = PanelsOf(out_c);
    panel_floats_ = taps * view.c * kPanel;
    weights_.resize(static_cast<size_t>(groups * panels_ * panel_floats_));
    bias_.assign(static_cast<size_t>(groups * panels_ * kPanel), 0.0F);
    zeros_.assign(static_cast<size_t>(view.c), 0.0F);
    for (int64_t g = 0; g < groups; ++g) {
      PackPanels(w.as<float>() + g * out_c * taps * view.c, out_c, taps, view.c, taps * view.c,
                 is_last ? view.c : 1, is_last ? 1 : taps, weights_.data() + g * panels_ * panel_floats_);
      if (!step.HasInput(2)) continue;
      const float* bias = step.inputs[2]->data.as<float>() + g * out_c;
      std::copy_n(bias, out_c, bias_.begin() + g * panels_ * kPanel);
    }
  }

 protected:
  void Convolve(const ConvGeometry& geometry, const float* x, float* y, ThreadPool& pool) const override {
    for (int64_t g = 0; g < group_; ++g) {
      ConvF32 conv;
      conv.geometry = geometry;
      conv.x = x + g * geometry.in_c;
      conv.y = y + g * geometry.out_c;
      conv.weights = weights_.data() + g * panels_ * panel_floats_;
      conv.bias = bias_.data() + g * panels_ * kPanel;
      conv.zeros = zeros_.data();
      conv.activation = activation_;
      RunConvInParallel(conv, pool);
    }
  }

 private:
  int64_t panels_ = 0;
  int64_t panel_floats_ = 0;
  std::vector<float> weights_, bias_, zeros_;
};

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

 protected:
  void Convolve(const ConvGeometry& geometry, const float* x, float* y, ThreadPool& pool) const override {
    const DepthwiseF32 conv{geometry, x, weights_.data(), bias_.data(), y, activation_};
    const int64_t rows = geometry.batch * geometry.out_h;
    const int64_t work = geometry.out_w * geometry.out_step * geometry.taps();
    pool.ParallelFor(rows, std::max<int64_t>(1, 30000 / std::max<int64_t>(work, 1)),
                     [&](int64_t begin, int64_t end) { RunDepthwiseF32(conv, begin, end); });
  }

 private:
  std::vector<float> weights_, bias_;
};

}  // namespace

void RunConvInParallel(const ConvF32& conv, ThreadPool& pool) {
  const ConvGeometry& g = conv.geometry;
  const int64_t pixels = g.out_pixels();
  const int64_t panels = PanelsOf(g.out_c);
  const int64_t tile = ConvF32TilePixels();
  // Blocks of pixels small enough that their inputs stay in L2 while all panels pass over them.
  constexpr int64_t kBlockFloats = 96 * 1024;
  const int64_t per_pixel = std::max<int64_t>(1, g.in_c * g.stride_h * g.stride_w);
  const int64_t tiles = std::clamp<int64_t>(kBlockFloats / per_pixel / tile, 1, 32);
  const int64_t block = std::min(tiles * tile, std::max(tile, (pixels / 8 + tile - 1) / tile * tile));
  const int64_t blocks = (pixels + block - 1) / block;
  int64_t panels_each = panels;
  if (blocks < 4 * pool.num_threads()) panels_each = std::max<int64_t>(2, (panels + 3) / 4 / 2 * 2);
  const int64_t splits = (panels + panels_each - 1) / panels_each;
  const int64_t work = block * panels_each * kPanel * g.taps() * g.in_c;
  pool.ParallelFor(blocks * splits, std::max<int64_t>(1, 100000 / std::max<int64_t>(work, 1)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t task = begin; task < end; ++task) {
                       const int64_t first = task / splits * block;
                       const int64_t panel = task % splits * panels_each;
                       RunConvF32(conv, first, std::min(first + block, pixels), panel,
                                  std::min(panel + panels_each, panels));
                     }
                   });
}

std::vector<const Tactic*> ConvTactics() {
  static const SimpleTactic conv("cpu/conv_f32", Speed{105, 60}, WhyNotPanels, MakeKernel<ConvKernel>);
  static const SimpleTactic depthwise("cpu/depthwise_f32", Speed{42, 60}, WhyNotDepthwise,
                                      MakeKernel<DepthwiseKernel>);
  return {&conv, &depthwise};
}

}  // namespace slipway::cpu
