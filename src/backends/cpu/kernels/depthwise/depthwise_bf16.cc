#include "backends/cpu/kernels/depthwise/depthwise_bf16.h"

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/depthwise/depthwise_bf16.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/depthwise/depthwise-inl.h"
#include "backends/cpu/kernels/gemm/bf16-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

#if SLIPWAY_CPU_HAS_BF16

constexpr int64_t kTogether = 2 * kLanes;
static_assert(kDepthwiseBlock % kTogether == 0);
constexpr int kMaxStrip = 8;  // 16 sums, 6 weights and a column's two vectors

// Channels of a vector of pairs.
struct Block {
  HWY_INLINE Block() {}  // the compiler's own would be of no target
  HWY_INLINE Block(VF e, VF o) : even(e), odd(o) {}

  VF even, odd;
};

HWY_INLINE Block Widen(hn::Vec<DPairs> words) {
  const hn::Repartition<uint32_t, DF> d32;
  const auto pairs = hn::BitCast(d32, words);
  return {hn::BitCast(DF(), hn::ShiftLeft<16>(pairs)),
          hn::BitCast(DF(), hn::And(pairs, hn::Set(d32, 0xFFFF0000U)))};
}

// The first `count` channels, zeros behind.
HWY_INLINE Block LoadBlock(ConstElements from, size_t count) {
  if (from.is_bf16()) return Widen(LoadFirst16(DPairs(), from.bf16(), count));
  HWY_ALIGN float buffer[kTogether] = {};
  std::memcpy(buffer, from.floats(), count * sizeof(float));
  Block block;
  hn::LoadInterleaved2(DF(), buffer, block.even, block.odd);
  return block;
}

HWY_INLINE void StoreBlock(const Block& block, Elements to, size_t count) {
  if (!to.is_bf16()) {
    HWY_ALIGN float buffer[kTogether];
    hn::StoreInterleaved2(block.even, block.odd, DF(), buffer);
    std::memcpy(to.floats(), buffer, count * sizeof(float));
    return;
  }
  const auto words = Interleaved(block.even, block.odd);
  if (count == kTogether) return hn::StoreU(words, DPairs(), to.bf16());
  StoreFirst16(words, DPairs(), to.bf16(), count);
}

// The end of `pixels` sums of the channels from c on, whatever it may be; y and residual are the row's. Sums:
// [pixel][even, odd][kLanes].
HWY_NOINLINE void FinishPixels(const DepthwiseF32& conv, Elements row_y, ConstElements residual,
                               int64_t pixel, int64_t c, size_t count, int64_t pixels, const float* sums) {
  const DF d;
  const Epilogue& epilogue = conv.epilogue;
  WithActivation(d, epilogue.activation, [&](auto f) HWY_ATTR {
    for (int64_t i = 0; i < pixels; ++i, sums += kTogether) {
      Block y = {hn::Load(d, sums), hn::Load(d, sums + kLanes)};
      Block added = {hn::Zero(d), hn::Zero(d)};
      if (residual != nullptr)
        added = LoadBlock(residual + ((pixel + i) * epilogue.residual_step + c), count);
      if (!epilogue.is_residual_last) y = {hn::Add(y.even, added.even), hn::Add(y.odd, added.odd)};
      y = {f(y.even), f(y.odd)};
      if (epilogue.is_residual_last) y = {hn::Add(y.even, added.even), hn::Add(y.odd, added.odd)};
      StoreBlock(y, row_y + ((pixel + i) * conv.geometry.out_step + c), count);
    }
  });
}

struct AllLanes {
  static constexpr size_t count = kTogether;
};
struct FirstLanes {
  size_t count;
};

template <class Image, class Count>
struct BlockOf : Count {
  using Count::count;

  HWY_INLINE Block LoadX(const uint16_t* from) const {
    if constexpr (std::is_same_v<Count, AllLanes>) return Widen(hn::LoadU(DPairs(), from));
    return LoadBlock(from, count);
  }
  HWY_INLINE Block LoadX(const float* from) const { return LoadBlock(from, count); }
  HWY_INLINE Block LoadWeights(const float* from) const {
    return {hn::Load(DF(), from), hn::Load(DF(), from + kDepthwiseBlock / 2)};
  }
  HWY_INLINE Block MulAdd(const Block& x, const Block& weights, const Block& sum) const {
    return {hn::MulAdd(x.even, weights.even, sum.even), hn::MulAdd(x.odd, weights.odd, sum.odd)};
  }
  template <int kPixels>
  HWY_INLINE void Finish(const DepthwiseF32& conv, const DepthwiseRow<Image>& row, int64_t pixel, int64_t c,
                         const Block (&sums)[kPixels]) const {
    const DF d;
    const FusedActivation& activation = conv.epilogue.activation;
    if (activation.kind == ActivationKind::kClamp && row.residual == nullptr && row.y.is_bf16()) {
      const VF low = hn::Set(d, activation.low), high = hn::Set(d, activation.high);
      uint16_t* to = row.y.bf16() + pixel * conv.geometry.out_step + c;
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i, to += conv.geometry.out_step)
        StoreBlock({ClampTo(low, high, sums[i].even, d), ClampTo(low, high, sums[i].odd, d)}, to, count);
      return;
    }
    HWY_ALIGN float buffer[kPixels * kTogether];
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
      hn::Store(sums[i].even, d, buffer + i * kTogether);
      hn::Store(sums[i].odd, d, buffer + i * kTogether + kLanes);
    }
    FinishPixels(conv, row.y, row.residual, pixel, c, count, kPixels, buffer);
  }
};

template <class Image>
struct BlockLanes {
  using X = Image;
  using V = Block;
  using Whole = BlockOf<Image, AllLanes>;
  using First = BlockOf<Image, FirstLanes>;
  static constexpr int64_t kCount = kTogether;
  static constexpr int64_t WeightsAt(int64_t c) {
    return kTogether == kDepthwiseBlock ? c : c - c % kDepthwiseBlock + c % kDepthwiseBlock / 2;
  }
  static constexpr bool kFinishesAll = true;                     // lest a sum be rounded twice
  static constexpr bool kIsRare = std::is_same_v<Image, float>;  // images are of bf16 behind the first layer
};

#endif  // SLIPWAY_CPU_HAS_BF16

}  // namespace

void RunDepthwiseBlocks(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
#if SLIPWAY_CPU_HAS_BF16
  if (conv.x.is_bf16())
    Depthwise<BlockLanes<uint16_t>, kMaxStrip>::Run(conv, conv.x.bf16(), row_begin, row_end);
  else
    Depthwise<BlockLanes<float>, kMaxStrip>::Run(conv, conv.x.floats(), row_begin, row_end);
#else
  (void)conv, (void)row_begin, (void)row_end;
  HWY_ABORT("bf16 on a machine without it");
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunDepthwiseBlocks);

void PackDepthwiseBf16(const float* from, int64_t rows, int64_t channels, float* packed) {
  for (int64_t row = 0; row < rows; ++row, from += channels) {
    for (int64_t c = 0; c < RoundUp(channels, kDepthwiseBlock); ++c) {
      const int64_t place = c % 2 * (kDepthwiseBlock / 2) + c % kDepthwiseBlock / 2;
      packed[c / kDepthwiseBlock * kDepthwiseBlock + place] = c < channels ? from[c] : 0;
    }
    packed += RoundUp(channels, kDepthwiseBlock);
  }
}

void RunDepthwiseBf16(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
  HWY_DYNAMIC_DISPATCH(RunDepthwiseBlocks)(conv, row_begin, row_end);
}
}  // namespace slipway::cpu
#endif
