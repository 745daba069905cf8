// Tactics for 8-bit Conv, channels last, of one or two spatial axes: depthwise, and everything else group by
// group. Equal to the reference to the bit.
#include <algorithm>
#include <cmath>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/kernels/quantized/depthwise_q8.h"
#include "backends/cpu/quantized.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

bool HasPlainScales(const Quant& quant) {
  return std::all_of(quant.scales.begin(), quant.scales.end(),
                     [](float scale) { return scale > 0 && std::isfinite(scale); });
}

bool IsInRange(const Value& value) {
  const auto& zeros = value.quant->zero_points;
  const int64_t low = value.type.dtype == DType::kU8 ? 0 : -128;
  return std::all_of(zeros.begin(), zeros.end(), [&](int64_t z) { return z >= low && z <= low + 255; });
}

std::optional<std::string> WhyNotImage(const Step& step) {
  if (step.op->name != "Conv") return "not a Conv";
  if (auto reason = WhyNotQ8(step)) return reason;
  if (LayoutOf(step.attrs()) != Layout::kChannelsLast) return "channels are not last";
  const Tensor& w = step.inputs[1]->data;
  if (w.rank() != 3 && w.rank() != 4) return "not one or two spatial axes";
  const auto scales = static_cast<int64_t>(step.inputs[1]->quant->scales.size());
  if (scales != 1 && scales != w.dim(0)) return "weights have an odd number of scales";
  return std::nullopt;
}

std::optional<std::string> WhyNotDepthwise(const Step& step) {
  if (auto reason = WhyNotImage(step)) return reason;
  const Dims& w = step.inputs[1]->data.dims();
  if (step.attrs().Int("group", 1) != w[0] || w.back() != 1) return "not one filter per channel";
  if (w[0] < kLeastDepthwiseChannels) return "too few channels";
  return std::nullopt;
}

std::optional<std::string> WhyNot(const Step& step) {
  if (auto reason = WhyNotImage(step)) return reason;
  if (!WhyNotDepthwise(step)) return "one filter per channel: 16 times the work that is needed";
  const Tensor& w = step.inputs[1]->data;
  if (!FitsQ8(w.count() / w.dim(0))) return "the window is too large";
  return std::nullopt;
}

// u8 weights alone have a zero point: i8 ones are symmetric by definition.
int32_t WeightZero(const Step& step) {
  const bool is_u8 = TypeOf(step.inputs[0]) == DType::kU8;
  return is_u8 ? static_cast<int32_t>(ZeroPointOf(*step.inputs[1]->quant)) : 0;
}

std::vector<FixedMultiplier> MultipliersOf(const Step& step) {
  const bool is_u8 = TypeOf(step.inputs[0]) == DType::kU8;
  return OutputMultipliers(*step.inputs[0]->quant, *step.inputs[1]->quant, *step.outputs[0]->quant,
                           step.inputs[1]->data.dim(0),
                           is_u8 ? ScaleProduct::kInFloat : ScaleProduct::kInDouble);
}

Requantizer RequantizerOf(const Step& step, std::span<const FixedMultiplier> multipliers) {
  const Quant& quant = *step.outputs[0]->quant;
  const ClampRange clamp = QuantizedClamp(ActivationOf(step.attrs()), TypeOf(step.inputs[0]), quant);
  return Requantizer::Of(multipliers, ZeroPointOf(quant), clamp.low, clamp.high);
}

class QuantizedImageKernel : public Kernel {
 public:
  Status Init(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    const Image2 view = ViewImage2(w.dims(), Layout::kChannelsLast);
    const Ints kernel = w.rank() == 4 ? Ints{view.h, view.w} : Ints{view.w};
    SLIPWAY_ASSIGN_OR_RETURN(window_, Window2::Read(step.attrs(), kernel));
    return Status::Ok();
  }

  Status Run(const KernelArgs& args) const override {
    Tensor& y = args.out(0);
    if (y.count() == 0) return Status::Ok();
    Convolve(args.in(0), y, args.pool);
    return Status::Ok();
  }

 protected:
  virtual void Convolve(const Tensor& x, Tensor& y, ThreadPool& pool) const = 0;

  ConvGeometry Geometry(const Tensor& x, const Tensor& y, int64_t groups) const {
    return GeometryOf(window_, ViewImage2(x.dims(), Layout::kChannelsLast),
                      ViewImage2(y.dims(), Layout::kChannelsLast), groups);
  }

  Window2 window_;
};

class QuantizedConvKernel : public QuantizedImageKernel {
 public:
  explicit QuantizedConvKernel(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    const int64_t groups = step.attrs().Int("group", 1);
    const int64_t out_c = w.dim(0) / groups;
    const PackedQ8 shape = ShapeOfQ8(step, out_c, w.count() / w.dim(0));
    lines_ = PackInput<WeightLine>(step, 1, groups * shape.line_count(), [&](WeightLine* to) {
      const std::vector<int16_t> weights = WeightsOfQ8(step);
      const std::vector<int32_t> bias = BiasOfQ8(step, w.dim(0));
      for (int64_t i = 0; i < groups; ++i) {
        PackQ8({{weights.data() + i * out_c * shape.depth, static_cast<size_t>(out_c * shape.depth)},
                {bias.data() + i * out_c, static_cast<size_t>(out_c)},
                WeightZero(step)},
               shape, to + i * shape.line_count());
      }
    });
    const std::vector<FixedMultiplier> multipliers = MultipliersOf(step);
    for (int64_t i = 0; i < groups; ++i) {
      filters_.push_back(shape);
      filters_.back().lines = lines_.data() + i * shape.line_count();
      const std::span<const FixedMultiplier> scales(multipliers);
      requantizers_.push_back(
          RequantizerOf(step, scales.subspan(static_cast<size_t>(i * out_c), static_cast<size_t>(out_c))));
    }
  }

 protected:
  void Convolve(const Tensor& x, Tensor& y, ThreadPool& pool) const override {
    const ConvGeometry geometry = Geometry(x, y, static_cast<int64_t>(filters_.size()));
    for (size_t i = 0; i < filters_.size(); ++i) {
      ConvQ8 conv;
      conv.geometry = geometry;
      conv.x = static_cast<const uint8_t*>(x.data()) + static_cast<int64_t>(i) * geometry.in_c;
      conv.x_end = static_cast<const uint8_t*>(x.data()) + x.count();
      conv.y = static_cast<uint8_t*>(y.data()) + static_cast<int64_t>(i) * geometry.out_c;
      conv.filter = &filters_[i];
      conv.requantizer = &requantizers_[i];
      RunConvInParallelQ8(conv, pool);
    }
  }

 private:
  PackedArray<WeightLine> lines_;
  std::vector<PackedQ8> filters_;  // one per group
  std::vector<Requantizer> requantizers_;
};

class QuantizedDepthwiseKernel : public QuantizedImageKernel {
 public:
  explicit QuantizedDepthwiseKernel(const Step& step) {
    const int64_t channels = step.inputs[1]->data.dim(0);
    const std::vector<int16_t> weights = WeightsOfQ8(step);
    const int64_t taps = static_cast<int64_t>(weights.size()) / channels;
    const int32_t zero = WeightZero(step);
    std::vector<int16_t> by_tap(weights.size());
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t t = 0; t < taps; ++t) {
        by_tap[static_cast<size_t>(t * channels + c)] =
            static_cast<int16_t>(weights[static_cast<size_t>(c * taps + t)] - zero);
      }
    }
    const Ints strides = step.attrs().IntList("strides");
    filter_ = DepthwiseFilterQ8::Of(by_tap, BiasOfQ8(step, channels),
                                    static_cast<int32_t>(ZeroPointOf(*step.inputs[0]->quant)),
                                    strides.empty() ? 1 : strides.back());
    filter_.is_signed = TypeOf(step.inputs[0]) == DType::kI8;
    const std::vector<FixedMultiplier> multipliers = MultipliersOf(step);
    std::vector<FixedMultiplier> repeated;
    for (int64_t i = 0; i < filter_.fold; ++i)
      repeated.insert(repeated.end(), multipliers.begin(), multipliers.end());
    requantizer_ = RequantizerOf(step, repeated);
  }

 protected:
  void Convolve(const Tensor& x, Tensor& y, ThreadPool& pool) const override {
    const ConvGeometry g = Geometry(x, y, filter_.channels);
    const DepthwiseQ8 conv{g, static_cast<const uint8_t*>(x.data()), &filter_, &requantizer_,
                           static_cast<uint8_t*>(y.data())};
    const int64_t work = g.out_w * g.out_step * (g.taps() + 8);
    pool.ParallelFor(g.batch * g.out_h, std::max<int64_t>(1, 60000 / std::max<int64_t>(work, 1)),
                     [&](int64_t begin, int64_t end) { RunDepthwiseQ8(conv, begin, end); });
  }

 private:
  DepthwiseFilterQ8 filter_;
  Requantizer requantizer_;
};

}  // namespace

std::optional<std::string> WhyNotQ8(const Step& step) {
  const DType type = TypeOf(step.inputs[0]);
  if (type != DType::kI8 && type != DType::kU8) return "input is not i8 or u8";
  const Value* w = step.inputs[1];
  const bool is_fitting = TypeOf(w) == type || (type == DType::kI8 && TypeOf(w) == DType::kI4);
  if (!is_fitting) return "weights are not of the input's type";
  if (!w->IsConstant() || w->data.count() == 0) return "weights are computed or empty";
  if (step.outputs[0] == nullptr || TypeOf(step.outputs[0]) != type)
    return "output is not of the input's type";
  if (!IsQuantizedPerTensor(step.inputs[0]) || !IsQuantizedPerTensor(step.outputs[0]))
    return "input or output has no single scale and zero point";
  if (!w->quant || w->quant->scales.empty()) return "weights have no scales";
  for (const Value* value : {step.inputs[0], w, step.outputs[0]}) {
    if (!HasPlainScales(*value->quant)) return "a scale is not positive and finite";
    if (!IsInRange(*value)) return "a zero point is out of range";
  }
  const auto& zeros = w->quant->zero_points;
  const bool is_one_zero = std::all_of(zeros.begin(), zeros.end(), [&](int64_t z) { return z == zeros[0]; });
  if (!is_one_zero || (zeros.size() > 1 && zeros.size() != w->quant->scales.size()))
    return "weights have several zero points";
  if (!step.HasInput(2)) return std::nullopt;
  const DType bias = TypeOf(step.inputs[2]);
  const bool is_plain = step.inputs[2]->IsConstant() && (bias == DType::kI32 || bias == DType::kI64);
  if (!is_plain) return "bias is not constant i32 or i64";
  return std::nullopt;
}

std::vector<int16_t> WeightsOfQ8(const Step& step) {
  const Tensor& w = step.inputs[1]->data;
  std::vector<int16_t> weights(static_cast<size_t>(w.count()));
  for (int64_t i = 0; i < w.count(); ++i) {
    weights[static_cast<size_t>(i)] = static_cast<int16_t>(LoadInt(w.dtype(), w.data(), i));
  }
  return weights;
}

std::vector<int32_t> BiasOfQ8(const Step& step, int64_t count) {
  std::vector<int32_t> bias(static_cast<size_t>(count), 0);
  if (!step.HasInput(2)) return bias;
  const Tensor& b = step.inputs[2]->data;
  for (int64_t i = 0; i < count; ++i) {
    bias[static_cast<size_t>(i)] = static_cast<int32_t>(LoadInt(b.dtype(), b.data(), i));
  }
  return bias;
}

PackedQ8 ShapeOfQ8(const Step& step, int64_t out_c, int64_t depth) {
  return PackedQ8::Of(out_c, depth, static_cast<int32_t>(ZeroPointOf(*step.inputs[0]->quant)),
                      TypeOf(step.inputs[0]) == DType::kI8, BestDotForm());
}

void RunConvInParallelQ8(const ConvQ8& conv, ThreadPool& pool) {
  const ConvGeometry& g = conv.geometry;
  const int64_t pixels = g.out_pixels();
  const int64_t panels = QuantPanelsOf(g.out_c);
  constexpr int64_t kMost = 4 * kDotRows;
  const int64_t block =
      std::min(kMost, std::max(kDotRows, (pixels / 8 + kDotRows - 1) / kDotRows * kDotRows));
  const int64_t blocks = DivideUp(pixels, block);
  int64_t panels_each = panels;
  if (blocks < 2 * pool.num_threads() && pool.num_threads() > 1)
    panels_each = std::max<int64_t>(2, (panels + 7) / 8 / 2 * 2);
  const int64_t splits = DivideUp(panels, panels_each);
  // In multiply-adds; every result costs about as much as 64 of them.
  const int64_t work = block * panels_each * kQuantPanel * (conv.filter->depth + 64);
  pool.ParallelFor(blocks * splits, std::max<int64_t>(1, 400000 / work), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task / splits * block;
      const int64_t panel = task % splits * panels_each;
      RunConvQ8(conv, first, std::min(first + block, pixels), panel, std::min(panel + panels_each, panels));
    }
  });
}

std::vector<const Tactic*> QuantizedConvTactics() {
  static const SimpleTactic conv("cpu/conv_q8", Speed{250, 60}, WhyNot, MakeKernel<QuantizedConvKernel>);
  static const SimpleTactic depthwise("cpu/depthwise_q8", Speed{60, 60}, WhyNotDepthwise,
                                      MakeKernel<QuantizedDepthwiseKernel>);
  return {&conv, &depthwise};
}

}  // namespace slipway::cpu
