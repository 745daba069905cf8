// The tactics of the `cpu` backend and what they share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/api/backend.h"
#include "backends/cpu/kernels/conv/conv_f32.h"
#include "ops/activation.h"
#include "ops/nn/window.h"

namespace slipway::cpu {

// One list per source file, in static storage.
std::vector<const Tactic*> ConvTactics();
std::vector<const Tactic*> ConvTransposeTactics();
std::vector<const Tactic*> DepthwiseTactics();
std::vector<const Tactic*> WinogradTactics();
std::vector<const Tactic*> MatMulTactics();
std::vector<const Tactic*> BatchedMatMulTactics();
std::vector<const Tactic*> QuantizedConvTactics();
std::vector<const Tactic*> QuantizedMatMulTactics();
std::vector<const Tactic*> ElementwiseTactics();
std::vector<const Tactic*> ZipTactics();
std::vector<const Tactic*> WhereTactics();
std::vector<const Tactic*> GatherTactics();
std::vector<const Tactic*> CastTactics();
std::vector<const Tactic*> PoolTactics();
std::vector<const Tactic*> ReshapeTactics();
std::vector<const Tactic*> TransposeTactics();
std::vector<const Tactic*> CopyTactics();
std::vector<const Tactic*> ConcatTactics();
std::vector<const Tactic*> SplitTactics();
std::vector<const Tactic*> TableTactics();
std::vector<const Tactic*> QuantizedElementwiseTactics();
std::vector<const Tactic*> SoftmaxTactics();
std::vector<const Tactic*> ConvertTactics();
std::vector<const Tactic*> ReduceTactics();
std::vector<const Tactic*> NormalizeTactics();
std::vector<const Tactic*> LayerNormTactics();
std::vector<const Tactic*> AttentionTactics();
std::vector<const Tactic*> ResizeTactics();
std::vector<const Tactic*> ResizeNearestTactics();

// What a tactic sustains on one thread, measured by bench/kernels_bench on a 2024 server core (AVX-512). Only
// the ratios between tactics of a step decide; the absolute numbers make reports readable.
struct Speed {
  double gflops = 1;
  double gbytes = 10;
  double fixed_us = 0.3;  // a call that has nothing to do
};
// Of what moves elements, or computes little with each: operands in the caches that a network leaves them in.
constexpr Speed BoundByMemory(double gbytes, double fixed_us = 0.3) { return {1e9, gbytes, fixed_us}; }
// The longer of arithmetic and traffic, after the fixed part. saved_bytes: of the traffic, by packing.
double EstimateUs(const Speed& speed, const Step& step, double saved_bytes = 0);

// A tactic from plain functions: most need nothing more.
class SimpleTactic : public Tactic {
 public:
  using WhyNotFn = std::optional<std::string> (*)(const Step&);
  using MakeFn = Result<std::unique_ptr<Kernel>> (*)(const Step&);
  SimpleTactic(std::string name, const Speed& speed, WhyNotFn why_not, MakeFn make)
      : name_(std::move(name)), speed_(speed), why_not_(why_not), make_(make) {}
  std::string name() const override { return name_; }
  std::optional<std::string> WhyNot(const Step& step) const override { return why_not_(step); }
  double EstimateUs(const Step& step) const override { return cpu::EstimateUs(speed_, step); }
  const Speed& speed() const { return speed_; }
  Result<std::unique_ptr<Kernel>> Make(const Step& step) const override { return make_(step); }

 private:
  std::string name_;
  Speed speed_;
  WhyNotFn why_not_;
  MakeFn make_;
};

// Products of operands that are rounded to 16 bits, sums of f32.
class NarrowTactic : public SimpleTactic {
 public:
  using SimpleTactic::SimpleTactic;
  double EstimateUs(const Step& step) const override;
};
class Bf16Tactic : public NarrowTactic {
 public:
  using NarrowTactic::NarrowTactic;
  Precision precision() const override { return Precision::kBf16; }
  double RelativeError() const override { return kBf16Error; }
};
class F16Tactic : public NarrowTactic {
 public:
  using NarrowTactic::NarrowTactic;
  Precision precision() const override { return Precision::kF16; }
  double RelativeError() const override { return kF16Error; }
};

// SimpleTactic's MakeFn for kernels that are made from a step, and whose Init, if they have one, may refuse
// it.
template <class T>
Result<std::unique_ptr<Kernel>> MakeKernel(const Step& step) {
  auto kernel = std::make_unique<T>(step);
  if constexpr (requires { kernel->Init(step); }) SLIPWAY_RETURN_IF_ERROR(kernel->Init(step));
  return std::unique_ptr<Kernel>(std::move(kernel));
}

// Whether elements can be moved as bytes, without a look at what they are.
inline bool HasWholeBytes(DType dtype) {
  return dtype != DType::kNone && dtype != DType::kString && BitsOf(dtype) % 8 == 0;
}

inline DType TypeOf(const Value* value) { return value == nullptr ? DType::kNone : value->type.dtype; }
inline bool IsConstantF32(const Value* value) {
  return value != nullptr && value->IsConstant() && TypeOf(value) == DType::kF32;
}
// What f16 cannot hold of finite f32 weights; nullopt: nothing.
std::optional<std::string> WhyNotAsF16(const Tensor& weights);
inline bool IsQuantizedPerTensor(const Value* value) {
  return value != nullptr && value->quant && value->quant->scales.size() == 1 &&
         value->quant->zero_points.size() == 1;
}

FusedActivation FusedOf(const ActivationSpec& spec);

// A window over one or two spatial axes, resolved at run time without allocating.
struct Window2 {
  enum class Pad { kExplicit, kSameUpper, kSameLower, kValid };
  int64_t kernel[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  int64_t pad[2] = {0, 0}, pad_end[2] = {0, 0};
  Pad mode = Pad::kExplicit;

  static Result<Window2> Read(const Attrs& attrs, const Ints& kernel);
  // Before the image, and behind it.
  int64_t PadFor(int axis, int64_t in, int64_t out) const;
  int64_t PadEndFor(int axis, int64_t in, int64_t out) const;

 private:
  // Of both, as SAME wants it.
  int64_t SamePad(int axis, int64_t in, int64_t out) const;
};

// [N,spatial...,C] or [N,C,spatial...] of rank 3 or 4 as height, width and channels.
struct Image2 {
  int64_t n = 1, h = 1, w = 1, c = 1;
};
Image2 ViewImage2(const Dims& dims, Layout layout);
// The window over channels-last images, as one of `groups` equal parts of the channels sees it.
ConvGeometry GeometryOf(const Window2& window, const Image2& in, const Image2& out, int64_t groups);
// Elements of a static type, 0 for anything else.
int64_t CountOfType(const Type& type);

}  // namespace slipway::cpu
