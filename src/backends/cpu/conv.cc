// The tactic for f32 Conv by direct convolution, groups included, of one or two spatial axes.
#include <algorithm>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/depthwise_pointwise.h"
#include "backends/cpu/image_kernel.h"
#include "backends/cpu/kernels/gemm/dot_f32.h"
#include "backends/cpu/kernels/gemm/f16.h"
#include "backends/cpu/kernels/move/interleave.h"
#include "backends/cpu/product.h"
#include "backends/cpu/transpose.h"

namespace slipway::cpu {
namespace {

std::optional<std::string> WhyNot(const Step& step) {
  if (auto reason = WhyNotConvF32(step)) return reason;
  if (IsDepthwise(step)) return "one filter per channel: 16 times the work that is needed";
  return std::nullopt;
}

int64_t OutputsOf(const Step& step) { return step.inputs[1]->data.dim(0) / step.attrs().Int("group", 1); }

std::optional<std::string> WhyNotBf16(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  return WhyNoBf16();
}

[[maybe_unused]] std::optional<std::string> WhyNotF16(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (auto reason = WhyNoF16()) return reason;
  return WhyNotAsF16(step.inputs[1]->data);
}

std::optional<std::string> WhyNotFew(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (OutputsOf(step) > kDotColumns) return "more than 4 output channels";
  return std::nullopt;
}

// The parts that threads share out: groups x images x blocks of rows x parts of the panels.
struct ConvTasks {
  ConvTasks(const ConvGeometry& g, ConvForm form, int64_t groups, int num_threads)
      : block_rows(ConvF32BlockRows(g, form)), panels(PanelsOf(g.out_c)) {
    blocks = DivideUp(g.out_h, block_rows);
    const int64_t whole = groups * g.batch * blocks;
    // Few blocks: threads also share the panels of each, and copy its rows twice.
    const int64_t wanted = num_threads == 1 || whole >= 4 * num_threads ? 1 : 2 * num_threads;
    panels_each = std::max<int64_t>(2, DivideUp(panels, wanted) / 2 * 2);
    parts = DivideUp(panels, panels_each);
    count = whole * parts;
  }

  int64_t block_rows, panels;
  int64_t blocks = 1, panels_each = 1, parts = 1, count = 1;
};

template <ConvForm kForm>
class ConvKernel : public ImageKernel {
 public:
  explicit ConvKernel(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    const Image2 view = ViewImage2(w.dims(), LayoutOf(step.attrs()));
    const bool is_last = LayoutOf(step.attrs()) == Layout::kChannelsLast;
    const int64_t groups = step.attrs().Int("group", 1);
    const int64_t out_c = view.n / groups;
    const int64_t taps = view.h * view.w;
    in_c_ = view.c, out_c_ = out_c;
    panels_ = PanelsOf(out_c);
    panel_floats_ =
        taps * (IsOfPairs(kForm) ? PairsOf(view.c) : view.c) * (kForm == ConvForm::kFew ? out_c : kPanel);
    bias_.assign(static_cast<size_t>(groups * panels_ * kPanel), 0.0F);
    const auto pack_group = [&](int64_t g, float* to) {
      const float* from = w.as<float>() + g * out_c * taps * view.c;
      const int64_t stride_tap = is_last ? view.c : 1, stride_c = is_last ? 1 : taps;
      if constexpr (kForm == ConvForm::kFew)
        PackRows(from, out_c, taps, view.c, stride_tap, stride_c, to);
      else if constexpr (kForm == ConvForm::kBf16)
        PackPanelsBf16(from, out_c, taps, view.c, taps * view.c, stride_tap, stride_c, to);
      else if constexpr (kForm == ConvForm::kF16)
        PackPanelsF16(from, out_c, taps, view.c, taps * view.c, stride_tap, stride_c, to);
      else
        PackPanels(from, out_c, taps, view.c, taps * view.c, stride_tap, stride_c, to);
    };
    weights_ = PackInput<float>(step, 1, groups * panels_ * panel_floats_, [&](float* to) {
      for (int64_t g = 0; g < groups; ++g) pack_group(g, to + g * panels_ * panel_floats_);
    });
    if (!step.HasInput(2)) return;
    for (int64_t g = 0; g < groups; ++g) {
      const float* bias = step.inputs[2]->data.as<float>() + g * out_c;
      std::copy_n(bias, out_c, bias_.begin() + g * panels_ * kPanel);
    }
  }

  std::optional<PointwiseLayer> AsPointwise() const override {
    if (HasResidual()) return std::nullopt;
    return PointwiseWith(EpilogueOf({}));
  }

  // Filters per channel make its rows a strip at a time. And a network's input has few channels, that come
  // first: they are put side by side as rows are copied.
  bool CanRunBehind(const Kernel& first, const PairTypes& types) const override {
    if (const auto pair = PairFor(first, types)) return !WhyNotPair(*pair, types.inputs[0].dtype);
    if (!IsChannelsLast() || group() != 1 || in_c_ > kMaxPlanes || !MovesChannelsLast(first)) return false;
    return types.first_inputs[0].dtype == DType::kF32 && CountOfType(types.outputs[0]) > 0 &&
           !GeometryBehind(types).IsPointwise();
  }
  int64_t ThreadWorkspaceBehind(const Kernel& first, const PairTypes& types) const override {
    if (const auto pair = PairFor(first, types)) return PairScratchBytes(*pair);
    return ConvF32ScratchBytes(GeometryBehind(types), kForm, true);
  }
  Status RunBehind(const Kernel& first, const KernelArgs& args) const override {
    Image2 between = ViewImage2(args.out(0).dims(), Layout::kChannelsLast);
    between.c = in_c_;
    if (auto pair = PairFor(first, ViewImage2(args.in(0).dims(), Layout::kChannelsLast), between)) {
      const Images images = ImagesOf(args, Layout::kChannelsLast);
      pair->depthwise.conv.x = images.x;
      pair->depthwise.conv.geometry.in_step = images.geometry.in_step;
      pair->pointwise = *PointwiseWith(EpilogueOf(images));
      pair->y = images.y;
      pair->y_step = images.geometry.out_step;
      RunPair(*pair, args);
      return Status::Ok();
    }
    return Convolve(ImagesOf(args, Layout::kChannelsFirst), args);
  }

 protected:
  int64_t ThreadScratchBytes(const ConvGeometry& geometry) const override {
    if (IsOfPairs(kForm) && geometry.IsPointwise())
      return PairThreadBytes(geometry.out_pixels(), geometry.in_c);
    return ConvF32ScratchBytes(geometry, kForm);
  }
  int64_t ScratchBytes(const ConvGeometry& geometry) const override {
    if (!IsOfPairs(kForm) || !geometry.IsPointwise()) return 0;
    return PairSharedBytes(geometry.out_pixels(), geometry.in_c);
  }

  bool TakesBf16() const override { return kForm == ConvForm::kBf16; }

  Status Convolve(const Images& images, const KernelArgs& args) const override {
    if (static_cast<int64_t>(images.scratch.size()) < ScratchBytes(images.geometry))
      return Status(Code::kInternal, "convolution got too little workspace");
    if (kForm != ConvForm::kFew && images.geometry.IsPointwise()) return RunPointwise(images, args);
    const ConvGeometry& g = images.geometry;
    const ConvTasks tasks(g, kForm, group(), args.pool.num_threads());
    args.pool.ParallelFor(tasks.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t panel = task % tasks.parts * tasks.panels_each;
        const int64_t row = task / tasks.parts % tasks.blocks * tasks.block_rows;
        const int64_t n = task / tasks.parts / tasks.blocks % g.batch;
        RunConvF32(GroupOf(images, task / tasks.parts / tasks.blocks / g.batch), n, row,
                   std::min(row + tasks.block_rows, g.out_h), panel,
                   std::min(panel + tasks.panels_each, panels_), args.ThreadWorkspace().data());
      }
    });
    return Status::Ok();
  }

 private:
  // nullopt: it is none, or its rows are converted first (f16).
  std::optional<PointwiseLayer> PointwiseWith(Epilogue epilogue) const {
    if (kForm == ConvForm::kFew || kForm == ConvForm::kF16 || !IsPointwise()) return std::nullopt;
    epilogue.bias = bias_.data();
    const Precision precision = kForm == ConvForm::kBf16 ? Precision::kBf16 : Precision::kF32;
    return PointwiseLayer{in_c_, out_c_, precision, weights_.data(), epilogue};
  }
  // But for where the images lie. nullopt: `first` is no depthwise layer, or this one is not pointwise.
  std::optional<DepthwisePointwise> PairFor(const Kernel& first, const Image2& x,
                                            const Image2& between) const {
    const auto* image = dynamic_cast<const ImageKernel*>(&first);
    const auto filters = image == nullptr ? std::nullopt : image->AsDepthwise(x, between);
    const auto own = PointwiseWith({});
    if (!filters || !own) return std::nullopt;
    return DepthwisePointwise{*filters, *own};
  }
  std::optional<DepthwisePointwise> PairFor(const Kernel& first, const PairTypes& types) const {
    const auto view = [](const Type& type) {
      return ViewImage2(KnownDims(*type.shape), Layout::kChannelsLast);
    };
    return PairFor(first, view(types.first_inputs[0]), view(types.inputs[0]));
  }
  ConvGeometry GeometryBehind(const PairTypes& types) const {
    return GeometryFor(KnownDims(*types.inputs[0].shape), KnownDims(*types.outputs[0].shape));
  }
  // [out_c][tap][in_c]
  static void PackRows(const float* w, int64_t out_c, int64_t taps, int64_t in_c, int64_t stride_tap,
                       int64_t stride_c, float* packed) {
    for (int64_t o = 0; o < out_c; ++o) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t c = 0; c < in_c; ++c) *packed++ = w[o * taps * in_c + tap * stride_tap + c * stride_c];
      }
    }
  }

  ConvF32 GroupOf(const Images& images, int64_t group) const {
    ConvF32 conv;
    conv.geometry = images.geometry;
    conv.x = images.x + group * conv.geometry.in_c;
    conv.is_planar = images.is_planar;
    conv.weights = weights_.data() + group * panels_ * panel_floats_;
    conv.form = kForm;
    conv.y = images.y + group * conv.geometry.out_c;
    conv.epilogue = EpilogueOf(images);
    conv.epilogue.bias = bias_.data() + group * panels_ * kPanel;
    if (images.residual != nullptr) conv.epilogue.residual += group * conv.geometry.out_c;
    return conv;
  }

  Status RunPointwise(const Images& images, const KernelArgs& args) const {
    const ConvGeometry& g = images.geometry;
    for (int64_t group_index = 0; group_index < group(); ++group_index) {
      const ConvF32 conv = GroupOf(images, group_index);
      GemmF32 gemm;
      const float* a = conv.x.words();
      gemm.a = &a;
      gemm.operands = OperandsOf(kForm);
      gemm.run_length = g.in_c;
      gemm.a_step = g.in_step;
      gemm.b = conv.weights;
      gemm.columns = g.out_c;
      gemm.c = conv.y;
      gemm.c_step = g.out_step;
      gemm.epilogue = conv.epilogue;
      if constexpr (IsOfPairs(kForm))
        RunProductOfPairs(gemm, conv.x, g.out_pixels(), images.scratch.data(), args);
      else
        RunProduct(gemm, g.out_pixels(), args.pool);
    }
    return Status::Ok();
  }

  int64_t in_c_ = 0, out_c_ = 0;  // of a group
  int64_t panels_ = 0;
  int64_t panel_floats_ = 0;
  PackedArray<float> weights_;
  std::vector<float> bias_;
};

// Panels are computed whole: a convolution of few outputs costs as much as one of 16.
template <class Base>
class PanelTactic : public Base {
 public:
  using Base::Base;
  double EstimateUs(const Step& step) const override {
    const auto outputs = static_cast<double>(OutputsOf(step));
    const auto computed = static_cast<double>(PanelsOf(OutputsOf(step)) * kPanel);
    return Base::EstimateUs(step) * computed / outputs;
  }
};

}  // namespace

std::vector<const Tactic*> ConvTactics() {
  static const PanelTactic<SimpleTactic> conv("cpu/conv_f32", Speed{230, 80}, WhyNot,
                                              MakeKernel<ConvKernel<ConvForm::kPanels>>);
  static const PanelTactic<Bf16Tactic> bf16("cpu/conv_bf16", Speed{440, 80}, WhyNotBf16,
                                            MakeKernel<ConvKernel<ConvForm::kBf16>>);
  static const SimpleTactic few("cpu/conv_few_f32", Speed{50, 60}, WhyNotFew,
                                MakeKernel<ConvKernel<ConvForm::kFew>>);
#ifdef SLIPWAY_RUNTIME_LIBRARY  // is for x86, which has no such products
  return {&conv, &bf16, &few};
#else
  // No more products per instruction than of f32, but half the loads.
  static const PanelTactic<F16Tactic> f16("cpu/conv_f16", Speed{240, 80}, WhyNotF16,
                                          MakeKernel<ConvKernel<ConvForm::kF16>>);
  return {&conv, &bf16, &f16, &few};
#endif
}

}  // namespace slipway::cpu
