#include "backends/cpu/kernels/depthwise/depthwise_f32.h"

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/depthwise/depthwise_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/depthwise/depthwise-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

// Sums, a column and a weight fit the registers: 32 of AVX-512 and NEON, else 16.
constexpr int kMaxStrip = kLanes == 16 || HWY_ARCH_ARM_A64 ? 8 : 4;

// A vector of channels.
template <class Count>
struct FloatsOf : Count {
  HWY_INLINE VF LoadX(const float* from) const { return Count::Load(from); }
  HWY_INLINE VF LoadWeights(const float* from) const { return Count::Load(from); }
  HWY_INLINE VF MulAdd(VF x, VF weights, VF sum) const { return hn::MulAdd(x, weights, sum); }
  template <int kPixels>
  HWY_INLINE void Finish(const DepthwiseF32& conv, const DepthwiseRow<float>& row, int64_t pixel, int64_t c,
                         const VF (&sums)[kPixels]) const {
    const DF d;
    const Epilogue& epilogue = conv.epilogue;
    const VF low = hn::Set(d, epilogue.activation.low);
    const VF high = hn::Set(d, epilogue.activation.high);
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
      VF sum = sums[i];
      if (row.residual != nullptr)
        sum = hn::Add(sum, Count::Load(row.residual.floats() + (pixel + i) * epilogue.residual_step + c));
      Count::Store(ClampTo(low, high, sum, d), row.y.floats() + (pixel + i) * conv.geometry.out_step + c);
    }
  }
};

// How many of its channels are there: all, known when compiled, or the first few.
struct AllLanes {
  HWY_INLINE VF Load(const float* from) const { return hn::LoadU(DF(), from); }
  HWY_INLINE void Store(VF x, float* to) const { hn::StoreU(x, DF(), to); }
};
struct FirstLanes {
  size_t count;
  HWY_INLINE VF Load(const float* from) const { return LoadFirst(DF(), from, count); }
  HWY_INLINE void Store(VF x, float* to) const { StoreFirst(x, DF(), to, count); }
};

struct FloatLanes {
  using X = float;
  using V = VF;
  using Whole = FloatsOf<AllLanes>;
  using First = FloatsOf<FirstLanes>;
  static constexpr int64_t kCount = kLanes;
  static constexpr int64_t WeightsAt(int64_t c) { return c; }
  static constexpr bool kFinishesAll = false;
  static constexpr bool kIsRare = false;
};

}  // namespace

void RunDepthwise(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
  Depthwise<FloatLanes, kMaxStrip>::Run(conv, conv.x.floats(), row_begin, row_end);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

DepthwiseF32 DepthwiseF32::Channels(int64_t begin, int64_t end) const {
  DepthwiseF32 part = *this;
  part.channels = std::min(end, channels) - begin;
  if (x != nullptr) part.x += begin;
  part.weights += begin;
  part.y += begin;
  part.epilogue.bias += begin;
  if (epilogue.residual != nullptr) part.epilogue.residual += begin;
  return part;
}

HWY_EXPORT(RunDepthwise);
void RunDepthwiseF32(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
  HWY_DYNAMIC_DISPATCH(RunDepthwise)(conv, row_begin, row_end);
}
}  // namespace slipway::cpu
#endif
