#include "backends/cpu/kernels/elementwise/elementwise_f32.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/elementwise/elementwise_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/functions-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

using D = hn::CappedTag<float, 16>;

// f(d, x) on vectors, the last of which may be cut.
template <class F>
HWY_INLINE void Map(const float* x, int64_t count, float* y, const F& f) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < count; i += lanes) {
    const auto together = static_cast<size_t>(std::min(lanes, count - i));
    StoreFirst(f(d, LoadFirst(d, x + i, together)), d, y + i, together);
  }
}

// Sine or cosine; angles beyond what vectors reduce, and what is no number, one by one.
void MapSine(const float* x, int64_t count, int32_t quarter, float* y) {
  constexpr int64_t kBlock = 64;
  for (int64_t i = 0; i < count; i += kBlock) {
    const int64_t width = std::min(kBlock, count - i);
    float far[kBlock];
    int64_t num_far = 0;
    for (int64_t k = 0; k < width; ++k) num_far += std::fabs(x[i + k]) <= kMaxAngle ? 0 : 1;
    if (num_far > 0) std::copy_n(x + i, width, far);
    Map(x + i, width, y + i, [=](auto d, auto v) HWY_ATTR { return SineNear(d, v, quarter); });
    for (int64_t k = 0; num_far > 0 && k < width; ++k) {
      if (std::fabs(far[k]) <= kMaxAngle) continue;
      y[i + k] = quarter == 0 ? std::sin(far[k]) : std::cos(far[k]);
    }
  }
}

template <class F>
HWY_INLINE void Zip(const BinaryRow& row, const float* a, const float* b, int64_t count, float* y,
                    const F& f) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto load = [=](const float* from, int64_t i, Run run, size_t together) HWY_ATTR {
    return run == Run::kEach ? LoadFirst(d, from + i, together) : hn::Set(d, *from);
  };
  for (int64_t i = 0; i < count; i += lanes) {
    const auto together = static_cast<size_t>(std::min(lanes, count - i));
    StoreFirst(f(d, load(a, i, row.a, together), load(b, i, row.b, together)), d, y + i, together);
  }
}

void Power(const BinaryRow& row, const float* a, const float* b, int64_t count, float* y) {
  if (row.b == Run::kRepeated && *b == 2) {
    return Zip(row, a, b, count, y, [](auto, auto p, auto) HWY_ATTR { return hn::Mul(p, p); });
  }
  for (int64_t i = 0; i < count; ++i)
    y[i] = std::pow(a[row.a == Run::kEach ? i : 0], b[row.b == Run::kEach ? i : 0]);
}

template <class V>
HWY_INLINE V OrNaN(V p, V q, V otherwise) {
  return hn::IfThenElse(hn::IsNaN(p), p, hn::IfThenElse(hn::IsNaN(q), q, otherwise));
}

}  // namespace

void Unary(UnaryF32 function, const FusedActivation& activation, const float* x, int64_t count, float* y) {
  switch (function) {
    case UnaryF32::kActivation:
      if (x != y) Map(x, count, y, [](auto, auto v) HWY_ATTR { return v; });
      return ActivateRow(activation, y, static_cast<size_t>(count));
    case UnaryF32::kExp: return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return Exp(d, v); });
    case UnaryF32::kExpm1: return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return Expm1(d, v); });
    case UnaryF32::kLog: return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return Log(d, v); });
    case UnaryF32::kLog1p: return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return Log1p(d, v); });
    case UnaryF32::kErf: return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return Erf(d, v); });
    case UnaryF32::kSin: return MapSine(x, count, 0, y);
    case UnaryF32::kCos: return MapSine(x, count, 1, y);
    case UnaryF32::kSign:
      return Map(x, count, y, [](auto d, auto v) HWY_ATTR {
        const auto is_number = hn::Or(hn::Gt(v, hn::Zero(d)), hn::Lt(v, hn::Zero(d)));
        const auto other = hn::IfThenZeroElse(hn::Eq(v, hn::Zero(d)), v);  // NaN, or 0 for either zero
        return hn::IfThenElse(is_number, hn::CopySign(hn::Set(d, 1.0F), v), other);
      });
    // In scalar code and on 32-bit NEON, Highway's lose the sign of a zero.
    case UnaryF32::kFloor:
      return Map(x, count, y, [](auto, auto v) HWY_ATTR { return hn::CopySign(hn::Floor(v), v); });
    case UnaryF32::kCeil:
      return Map(x, count, y, [](auto, auto v) HWY_ATTR { return hn::CopySign(hn::Ceil(v), v); });
    case UnaryF32::kRound:
      return Map(x, count, y, [](auto, auto v) HWY_ATTR { return hn::CopySign(hn::Round(v), v); });
    case UnaryF32::kRsqrt:
      return Map(x, count, y,
                 [](auto d, auto v) HWY_ATTR { return Divide(hn::Set(d, 1.0F), SquareRoot(v)); });
    case UnaryF32::kElu:
      return Map(x, count, y, [&](auto d, auto v) HWY_ATTR {
        const auto below = hn::Mul(hn::Set(d, activation.slope), Expm1(d, v));
        return hn::IfThenElse(hn::Gt(v, hn::Zero(d)), hn::Mul(v, hn::Set(d, activation.high)), below);
      });
    case UnaryF32::kCelu:
      return Map(x, count, y, [&](auto d, auto v) HWY_ATTR {
        const auto slope = hn::Set(d, activation.slope);
        const auto below = hn::Mul(slope, Expm1(d, Divide(v, slope)));
        const auto zero = hn::Zero(d);
        return hn::Add(hn::IfThenElseZero(hn::Gt(v, zero), v),
                       hn::IfThenElseZero(hn::Lt(below, zero), below));
      });
    case UnaryF32::kSoftplus: return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return Softplus(d, v); });
    case UnaryF32::kSoftsign:
      return Map(x, count, y,
                 [](auto d, auto v) HWY_ATTR { return Divide(v, hn::Add(hn::Set(d, 1.0F), hn::Abs(v))); });
    case UnaryF32::kMish:
      return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return hn::Mul(v, Tanh(d, Softplus(d, v))); });
    case UnaryF32::kThresholdedRelu:
      return Map(x, count, y, [&](auto d, auto v) HWY_ATTR {
        return hn::IfThenElseZero(hn::Gt(v, hn::Set(d, activation.slope)), v);
      });
    case UnaryF32::kNeg: return Map(x, count, y, [](auto, auto v) HWY_ATTR { return hn::Neg(v); });
    case UnaryF32::kAbs: return Map(x, count, y, [](auto, auto v) HWY_ATTR { return hn::Abs(v); });
    case UnaryF32::kSqrt: return Map(x, count, y, [](auto, auto v) HWY_ATTR { return SquareRoot(v); });
    case UnaryF32::kSquare: return Map(x, count, y, [](auto, auto v) HWY_ATTR { return hn::Mul(v, v); });
    case UnaryF32::kReciprocal:
      return Map(x, count, y, [](auto d, auto v) HWY_ATTR { return Divide(hn::Set(d, 1.0F), v); });
    case UnaryF32::kHardSigmoid:
      return Map(x, count, y, [&](auto d, auto v) HWY_ATTR {
        const auto line = hn::MulAdd(v, hn::Set(d, activation.slope), hn::Set(d, activation.low));
        return ClampTo(hn::Zero(d), hn::Set(d, 1.0F), line, d);
      });
  }
}

void Binary(const BinaryRow& row, const float* a, const float* b, int64_t count, float* y) {
  switch (row.function) {
    case BinaryF32::kAdd:
      Zip(row, a, b, count, y, [](auto, auto p, auto q) HWY_ATTR { return hn::Add(p, q); });
      break;
    case BinaryF32::kSub:
      Zip(row, a, b, count, y, [](auto, auto p, auto q) HWY_ATTR { return hn::Sub(p, q); });
      break;
    case BinaryF32::kMul:
      Zip(row, a, b, count, y, [](auto, auto p, auto q) HWY_ATTR { return hn::Mul(p, q); });
      break;
    case BinaryF32::kDiv:
      Zip(row, a, b, count, y, [](auto, auto p, auto q) HWY_ATTR { return Divide(p, q); });
      break;
    case BinaryF32::kPow: Power(row, a, b, count, y); break;
    case BinaryF32::kPRelu:
      Zip(row, a, b, count, y, [](auto d, auto p, auto q) HWY_ATTR {
        return hn::IfThenElse(hn::Lt(p, hn::Zero(d)), hn::Mul(p, q), p);
      });
      break;
    case BinaryF32::kMax:
      Zip(row, a, b, count, y,
          [](auto, auto p, auto q) HWY_ATTR { return OrNaN(p, q, hn::IfThenElse(hn::Gt(p, q), p, q)); });
      break;
    case BinaryF32::kMin:
      Zip(row, a, b, count, y,
          [](auto, auto p, auto q) HWY_ATTR { return OrNaN(p, q, hn::IfThenElse(hn::Lt(p, q), p, q)); });
      break;
    case BinaryF32::kSquaredDifference:
      Zip(row, a, b, count, y, [](auto, auto p, auto q) HWY_ATTR {
        const auto difference = hn::Sub(p, q);
        return hn::Mul(difference, difference);
      });
      break;
  }
  const FusedActivation none;
  const bool is_none = row.activation.kind == ActivationKind::kClamp && row.activation.low == none.low &&
                       row.activation.high == none.high;
  if (!is_none) ActivateRow(row.activation, y, static_cast<size_t>(count));
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(Unary);
HWY_EXPORT(Binary);

void RunUnaryF32(UnaryF32 function, const FusedActivation& activation, const float* x, int64_t count,
                 float* y) {
  HWY_DYNAMIC_DISPATCH(Unary)(function, activation, x, count, y);
}
void RunBinaryF32(const BinaryRow& row, const float* a, const float* b, int64_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(Binary)(row, a, b, count, y);
}

}  // namespace slipway::cpu
#endif
