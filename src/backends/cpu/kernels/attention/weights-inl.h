// The softmax of attention: scores to weights. Included once per Highway target.
#if defined(SLIPWAY_CPU_ATTENTION_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_ATTENTION_WEIGHTS_INL_H_
#undef SLIPWAY_CPU_ATTENTION_WEIGHTS_INL_H_
#else
#define SLIPWAY_CPU_ATTENTION_WEIGHTS_INL_H_
#endif

#include <algorithm>
#include <limits>

#include "backends/cpu/kernels/attention/attention_f32.h"
#include "backends/cpu/kernels/gemm/bf16-inl.h"
#include "backends/cpu/kernels/simd/math-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kUnseen = -std::numeric_limits<float>::infinity();

HWY_INLINE bool AreZeros(const float* x, int64_t count) {
  return std::all_of(x, x + count, [](float each) { return each == 0; });
}

// One row's mask as numbers to add; null: none. `buffer` holds a row.
HWY_INLINE const float* MaskRow(const AttentionF32& a, int64_t b, int64_t h, int64_t i, float* buffer) {
  const AttentionMask& mask = a.mask;
  const int64_t at = b * mask.batch + h * mask.head + i * mask.row;
  if (mask.added == nullptr && mask.seen == nullptr) return nullptr;
  if (mask.added != nullptr && mask.extent >= a.kv_length) return mask.added + at;
  for (int64_t j = 0; j < a.kv_length; ++j) {
    if (j >= mask.extent) {
      buffer[j] = kUnseen;
    } else {
      buffer[j] = mask.added != nullptr ? mask.added[at + j] : mask.seen[at + j] != 0 ? 0 : kUnseen;
    }
  }
  return buffer;
}

// f(vector of elements, lanes of it, index): for [0, count).
template <class F>
HWY_INLINE void ForVectors(const float* x, int64_t count, const F& f) {
  const DF d;
  int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) f(hn::LoadU(d, x + j), static_cast<size_t>(kLanes), j);
  if (j < count) f(LoadFirst(d, x + j, static_cast<size_t>(count - j)), static_cast<size_t>(count - j), j);
}

// Scales, caps and masks [0, count) in place.
HWY_INLINE void FinishScores(const AttentionF32& a, const float* mask, int64_t count, float* scores) {
  const DF d;
  const VF scale = hn::Set(d, a.scale), cap = hn::Set(d, a.softcap), unseen = hn::Set(d, kUnseen);
  ForVectors(scores, count, [&](VF x, size_t lanes, int64_t j) HWY_ATTR {
    x = hn::Mul(x, scale);
    if (a.softcap != 0) x = hn::Mul(cap, Tanh(d, Divide(x, cap)));
    if (mask != nullptr) {
      const VF added = LoadFirst(d, mask + j, lanes);
      x = hn::IfThenElse(hn::Eq(added, unseen), unseen, hn::Add(x, added));
    }
    StoreFirst(x, d, scores + j, lanes);
  });
}

HWY_INLINE float LargestOf(const float* x, int64_t count) {
  const DF d;
  VF most = hn::Set(d, kUnseen);
  ForVectors(x, count, [&](VF v, size_t lanes, int64_t) HWY_ATTR {
    if (lanes < static_cast<size_t>(kLanes)) v = hn::IfThenElse(hn::FirstN(d, lanes), v, most);
    most = hn::Max(most, v);
  });
  return hn::GetLane(hn::MaxOfLanes(d, most));
}

// What a row's softmax is made of.
struct Fall {
  float scale = 1;    // of the scores, for powers of two
  float largest = 0;  // of the scores, so scaled
};

// 2^(x - largest) of the first `lanes` scores, 0 behind.
HWY_INLINE VF WeightsOf(VF x, size_t lanes, const Fall& fall) {
  const DF d;
  const VF weight = Exp2(d, hn::MulSub(x, hn::Set(d, fall.scale), hn::Set(d, fall.largest)));
  return lanes == static_cast<size_t>(kLanes) ? weight : hn::IfThenElseZero(hn::FirstN(d, lanes), weight);
}

// Scores [0, count) to weights in place; their sum.
HWY_INLINE float Weigh(const Fall& fall, int64_t count, float* scores) {
  const DF d;
  VF sum = hn::Zero(d);
  ForVectors(scores, count, [&](VF x, size_t lanes, int64_t j) HWY_ATTR {
    const VF weight = WeightsOf(x, lanes, fall);
    sum = hn::Add(sum, weight);
    StoreFirst(weight, d, scores + j, lanes);
  });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

#if SLIPWAY_CPU_HAS_BF16
// The same to pairs of bf16, which begin where the scores do: whole vectors of them, zeros behind `count`.
HWY_INLINE float WeighToPairs(const Fall& fall, int64_t count, float* scores) {
  const DF d;
  VF sum = hn::Zero(d);
  const auto weights_at = [&](int64_t j) HWY_ATTR {
    if (j >= count) return hn::Zero(d);
    const auto lanes = static_cast<size_t>(std::min(kLanes, count - j));
    const VF weights = WeightsOf(LoadFirst(d, scores + j, lanes), lanes, fall);
    sum = hn::Add(sum, weights);
    return weights;
  };
  for (int64_t j = 0; j < count; j += 2 * kLanes) {
    const VF low = weights_at(j);
    hn::StoreU(Pairs(low, weights_at(j + kLanes)), d, scores + j / 2);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}
#endif

// Scores of the keys [0, count) to weights, zeros behind up to `length`, as pairs of bf16 where Multiply
// takes such; the row's result is to be divided by the returned. `mask` null: none.
template <class Multiply>
HWY_INLINE float WeighScores(const AttentionF32& a, const float* mask, int64_t count, int64_t length,
                             float* scores) {
  constexpr float kLog2E = 1.44269504088896341F;
  Fall fall{a.scale * kLog2E};
  if (mask != nullptr || a.softcap != 0 || !(a.scale > 0)) {
    FinishScores(a, mask, count, scores);
    fall.scale = kLog2E;
  }
  fall.largest = LargestOf(scores, count) * fall.scale;
  // A NaN may have been passed over by the maximum, but then is in the sum: the whole row becomes one.
  const bool sees_none =
      fall.largest == kUnseen && std::all_of(scores, scores + count, [](float x) { return x == kUnseen; });
  if (sees_none) {
    std::fill_n(scores, length, 0.0F);
    return 1;
  }
  int64_t done = count;
  float sum;
#if SLIPWAY_CPU_HAS_BF16
  if constexpr (Multiply::kIsBf16) {
    sum = WeighToPairs(fall, count, scores);
    done = RoundUp(count, 2 * kLanes) / 2;
    length = PairsOf(length);
  } else
#endif
    sum = Weigh(fall, count, scores);
  if (done < length) std::fill(scores + done, scores + length, 0.0F);
  return sum;
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_ATTENTION_WEIGHTS_INL_H_
