// Tactics for 3x3 f32 Conv by Winograd's algorithm: of stride 1 and 2, channels last.
//
// They add a residual while storing, and read and write rows with gaps.
#include <algorithm>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/image_kernel.h"
#include "backends/cpu/kernels/winograd/winograd_f32.h"

namespace slipway::cpu {
namespace {

// Threads that scratch is kept for; more do not help a single convolution's blocks.
constexpr int64_t kMaxThreads = 32;

// Microseconds on one thread. What the stages take was measured by bench/kernels_bench on a 2024 server core
// (AVX-512), as the direct convolution's speed was.
double EstimateWinogradUs(WinogradForm form, const ConvGeometry& g) {
  const WinogradSize size = SizeOf(form);
  const WinogradPlan plan = PlanWinograd(form, WeightsFor(form, g.out_c, g.in_c), g, 1);
  const auto positions = static_cast<double>(plan.tiles * size.positions());
  const auto in_c = static_cast<double>(RoundUp(g.in_c, kPanel));
  const auto out_c = static_cast<double>(PanelsOf(g.out_c) * kPanel);
  constexpr double kTransformed = 16e3;  // inputs, sums and weights, per us
  constexpr double kFlops = 240e3;       // of the products, per us
  constexpr double kWeights = 6e3;       // floats that come from memory, as a network's weights do, per us
  const double products = 2 * positions * static_cast<double>(DepthOf(form, g.in_c)) * out_c / kFlops;
  const auto weights = static_cast<double>(WinogradWeightFloats(form, plan.weights, g.out_c, g.in_c));
  const double blocks = plan.weights == WinogradWeights::kTaps ? static_cast<double>(plan.blocks()) : 0;
  const double transformed =
      positions * (in_c + out_c) + blocks * static_cast<double>(size.matrices) * in_c * out_c;
  return 0.5 + transformed / kTransformed + products + weights / kWeights;
}

std::optional<std::string> WhyNot(const Step& step, WinogradForm form) {
  if (auto reason = WhyNotConvF32(step)) return reason;
  const Tensor& w = step.inputs[1]->data;
  if (w.rank() != 4) return "not two spatial axes";
  if (LayoutOf(step.attrs()) != Layout::kChannelsLast) return "channels are not last";
  if (w.dim(1) != 3 || w.dim(2) != 3) return "kernel is not 3x3";
  if (step.attrs().Int("group", 1) != 1) return "channels are in groups";
  const auto window = Window2::Read(step.attrs(), {3, 3});
  if (!window.ok()) return window.status().message();
  const int64_t stride = SizeOf(form).stride;
  if (window->stride[0] != stride || window->stride[1] != stride)
    return "stride is not " + std::to_string(stride);
  if (window->dilation[0] != 1 || window->dilation[1] != 1) return "taps are dilated";
  return IsBf16(form) ? WhyNoBf16() : std::nullopt;
}

class WinogradKernel : public ImageKernel {
 public:
  explicit WinogradKernel(WinogradForm form) : form_(form) {}

  Status Init(const Step& step) {
    SLIPWAY_RETURN_IF_ERROR(ImageKernel::Init(step));
    const Tensor& w = step.inputs[1]->data;
    const int64_t out_c = w.dim(0), in_c = w.dim(3);
    kept_ = WeightsFor(form_, out_c, in_c);
    weights_ = PackInput<float>(step, 1, WinogradWeightFloats(form_, kept_, out_c, in_c), [&](float* to) {
      PackWinograd(form_, kept_, w.as<float>(), out_c, in_c, 9 * in_c, in_c, 1, to);
    });
    bias_.assign(static_cast<size_t>(PanelsOf(out_c) * kPanel), 0.0F);
    if (step.HasInput(2)) std::copy_n(step.inputs[2]->data.as<float>(), out_c, bias_.begin());
    zeros_.assign(static_cast<size_t>(in_c), 0.0F);
    return Status::Ok();
  }

 protected:
  int64_t ScratchBytes(const ConvGeometry& geometry) const override {
    int64_t floats = 0;
    for (int64_t threads = 1; threads <= std::min<int64_t>(AvailableCores(), kMaxThreads); ++threads)
      floats = std::max(floats, PlanWinograd(form_, kept_, geometry, threads).ScratchFloats(threads));
    return floats * static_cast<int64_t>(sizeof(float));
  }

  Status Convolve(const Images& images, const KernelArgs& args) const override {
    WinogradF32 conv;
    conv.form = form_;
    conv.geometry = images.geometry;
    conv.x = images.x.floats();
    conv.y = images.y.floats();
    conv.weights = weights_.data();
    conv.zeros = zeros_.data();
    conv.epilogue = EpilogueOf(images);
    conv.epilogue.bias = bias_.data();
    const auto floats = static_cast<int64_t>(images.scratch.size() / sizeof(float));
    for (int64_t threads = std::min<int64_t>(args.pool.num_threads(), kMaxThreads); threads > 0; --threads) {
      const WinogradPlan plan = PlanWinograd(form_, kept_, conv.geometry, threads);
      if (plan.ScratchFloats(threads) > floats) continue;
      RunWinograd(conv, plan, reinterpret_cast<float*>(images.scratch.data()), threads, args.pool);
      return Status::Ok();
    }
    return Status(Code::kInternal, "convolution got too little workspace");
  }

 private:
  WinogradForm form_;
  WinogradWeights kept_ = WinogradWeights::kTransformed;
  PackedArray<float> weights_;
  std::vector<float> bias_, zeros_;
};

class WinogradTactic : public Tactic {
 public:
  WinogradTactic(std::string name, WinogradForm form) : name_(std::move(name)), form_(form) {}
  std::string name() const override { return name_; }
  std::optional<std::string> WhyNot(const Step& step) const override { return cpu::WhyNot(step, form_); }
  double RelativeError() const override { return RelativeErrorOf(form_); }
  Precision precision() const override { return IsBf16(form_) ? Precision::kBf16 : Precision::kF32; }

  double EstimateUs(const Step& step) const override {
    constexpr double kUnknown = 1e12;  // never rather than direct
    const auto geometry = GeometryFor(step);
    return geometry ? EstimateWinogradUs(form_, *geometry) : kUnknown;
  }

  // The products: transforms only add and scale.
  std::optional<double> Flops(const Step& step) const override {
    const auto geometry = GeometryFor(step);
    if (!geometry) return std::nullopt;
    const int64_t tiles =
        PlanWinograd(form_, WeightsFor(form_, geometry->out_c, geometry->in_c), *geometry, 1).tiles;
    return 2.0 * static_cast<double>(tiles * SizeOf(form_).positions()) *
           static_cast<double>(geometry->in_c * geometry->out_c);
  }

  Result<std::unique_ptr<Kernel>> Make(const Step& step) const override {
    auto kernel = std::make_unique<WinogradKernel>(form_);
    SLIPWAY_RETURN_IF_ERROR(kernel->Init(step));
    return std::unique_ptr<Kernel>(std::move(kernel));
  }

 private:
  // nullopt: shapes are not known, or there is nothing to compute.
  static std::optional<ConvGeometry> GeometryFor(const Step& step) {
    const Type &x = step.inputs[0]->type, &y = step.outputs[0]->type;
    if (!x.IsStatic() || !y.IsStatic() || CountOfType(y) == 0) return std::nullopt;
    const auto window = Window2::Read(step.attrs(), {3, 3});
    if (!window.ok()) return std::nullopt;
    const Image2 in = ViewImage2(KnownDims(*x.shape), Layout::kChannelsLast);
    const Image2 out = ViewImage2(KnownDims(*y.shape), Layout::kChannelsLast);
    return GeometryOf(*window, in, out, 1);
  }

  std::string name_;
  WinogradForm form_;
};

}  // namespace

std::vector<const Tactic*> WinogradTactics() {
  static const WinogradTactic f4x4("cpu/winograd_f4x4_f32", WinogradForm::kF4x4);
  static const WinogradTactic f6x6("cpu/winograd_f6x6_f32", WinogradForm::kF6x6);
  static const WinogradTactic s2("cpu/winograd_s2_f32", WinogradForm::kF4x4Stride2);
  static const WinogradTactic bf16("cpu/winograd_f4x4_bf16", WinogradForm::kF4x4Bf16);
  return {&f4x4, &f6x6, &s2, &bf16};
}

}  // namespace slipway::cpu
