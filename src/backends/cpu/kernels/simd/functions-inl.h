// More functions on vectors of f32: logarithms, sine and cosine, and what is made of them. Relative error
// about 3e-7, of results near zero too. Polynomials: Cephes (S. Moshier). Included once per Highway target.
#if defined(SLIPWAY_CPU_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_FUNCTIONS_INL_H_
#undef SLIPWAY_CPU_FUNCTIONS_INL_H_
#else
#define SLIPWAY_CPU_FUNCTIONS_INL_H_
#endif

#include <limits>

#include "backends/cpu/kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The natural logarithm: -infinity of zero (and of denormal numbers, which count as zero), NaN below it.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log(D d, V x) {
  const hn::RebindToSigned<D> di;
  // x = m 2^e with m from sqrt(1/2) to sqrt(2): the log of a quotient near 1, and e logs of 2.
  const auto bits = hn::BitCast(di, x);
  const V unit =
      hn::BitCast(d, hn::Or(hn::And(bits, hn::Set(di, 0x007FFFFF)), hn::Set(di, 0x3F800000)));  // from 1 to 2
  const auto is_large = hn::Gt(unit, hn::Set(d, 1.41421356237F));
  const V m = hn::Sub(hn::IfThenElse(is_large, hn::Mul(unit, hn::Set(d, 0.5F)), unit), hn::Set(d, 1.0F));
  V e = hn::ConvertTo(d, hn::Sub(hn::ShiftRight<23>(bits), hn::Set(di, 127)));
  e = hn::Add(e, hn::IfThenElseZero(is_large, hn::Set(d, 1.0F)));
  V p = hn::Set(d, 7.0376836292e-2F);
  p = hn::MulAdd(p, m, hn::Set(d, -1.1514610310e-1F));
  p = hn::MulAdd(p, m, hn::Set(d, 1.1676998740e-1F));
  p = hn::MulAdd(p, m, hn::Set(d, -1.2420140846e-1F));
  p = hn::MulAdd(p, m, hn::Set(d, 1.4249322787e-1F));
  p = hn::MulAdd(p, m, hn::Set(d, -1.6668057665e-1F));
  p = hn::MulAdd(p, m, hn::Set(d, 2.0000714765e-1F));
  p = hn::MulAdd(p, m, hn::Set(d, -2.4999993993e-1F));
  p = hn::MulAdd(p, m, hn::Set(d, 3.3333331174e-1F));
  const V square = hn::Mul(m, m);
  V y = hn::Mul(hn::Mul(p, m), square);
  y = hn::MulAdd(e, hn::Set(d, -2.12194440e-4F), y);
  y = hn::MulAdd(square, hn::Set(d, -0.5F), y);
  y = hn::MulAdd(e, hn::Set(d, 0.693359375F), hn::Add(m, y));
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const V zero = hn::Zero(d);
  y = hn::IfThenElse(hn::Eq(x, hn::Set(d, kInfinity)), x, y);
  y = hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(d, std::numeric_limits<float>::min())),
                     hn::Set(d, -kInfinity), y);
  y = hn::IfThenElse(hn::Lt(x, hn::Neg(hn::Set(d, std::numeric_limits<float>::min()))), hn::NaN(d), y);
  return hn::IfThenElse(hn::Or(hn::Ge(x, zero), hn::Lt(x, zero)), y, x);  // NaN stays
}

// log(1 + x), as good near zero: 1 + x is off by a rounding, and so is (1 + x) - 1 in the same way (W.
// Kahan).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log1p(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V u = hn::Add(x, one);
  const V rest = hn::Sub(u, one);
  const V log = Log(d, u);
  const V y = hn::Mul(log, Divide(x, rest));
  const auto is_plain =
      hn::Or(hn::Eq(u, hn::Set(d, std::numeric_limits<float>::infinity())), hn::Le(u, hn::Zero(d)));
  return hn::IfThenElse(hn::Eq(rest, hn::Zero(d)), x, hn::IfThenElse(is_plain, log, y));
}

// e^x - 1, as good near zero, in the same way.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Expm1(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V u = Exp(d, x);
  const V rest = hn::Sub(u, one);
  const V near = hn::Mul(rest, Divide(x, Log(d, u)));
  const V y = hn::IfThenElse(hn::Lt(hn::Abs(x), one), near, rest);
  return hn::IfThenElse(hn::Eq(u, one), x, y);
}

// log(1 + e^x)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Softplus(D d, V x) {
  const V positive = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Zero(d));
  return hn::Add(positive, Log1p(d, Exp(d, hn::Neg(hn::Abs(x)))));
}

// Sine, or with `quarter` 1 cosine, within kMaxAngle of zero: the angle less a multiple of pi/2 that is taken
// off in three parts (Cody and Waite), and by its remainder the polynomial of sine or cosine and a sign.
constexpr float kMaxAngle = 8192.0F;
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SineNear(D d, V x, int32_t quarter) {
  const hn::RebindToSigned<D> di;
  const V turns = hn::Round(hn::Mul(x, hn::Set(d, 0.636619772367581343F)));
  V r = hn::NegMulAdd(turns, hn::Set(d, 1.5703125F), x);
  r = hn::NegMulAdd(turns, hn::Set(d, 4.837512969970703125e-4F), r);
  r = hn::NegMulAdd(turns, hn::Set(d, 7.549789948768648e-8F), r);
  const auto quadrant = hn::Add(hn::ConvertTo(di, turns), hn::Set(di, quarter));
  const V z = hn::Mul(r, r);
  V sine = hn::Set(d, -1.9515295891e-4F);
  sine = hn::MulAdd(sine, z, hn::Set(d, 8.3321608736e-3F));
  sine = hn::MulAdd(sine, z, hn::Set(d, -1.6666654611e-1F));
  sine = hn::MulAdd(hn::Mul(sine, z), r, r);
  V cosine = hn::Set(d, 2.443315711809948e-5F);
  cosine = hn::MulAdd(cosine, z, hn::Set(d, -1.388731625493765e-3F));
  cosine = hn::MulAdd(cosine, z, hn::Set(d, 4.166664568298827e-2F));
  cosine = hn::MulAdd(hn::Mul(cosine, z), z, hn::MulAdd(z, hn::Set(d, -0.5F), hn::Set(d, 1.0F)));
  const auto one = hn::Set(di, 1);
  const auto is_odd = hn::RebindMask(d, hn::Eq(hn::And(quadrant, one), one));
  const V y = hn::IfThenElse(is_odd, cosine, sine);
  const auto sign = hn::ShiftLeft<30>(hn::And(quadrant, hn::Set(di, 2)));
  const V signed_y = hn::Xor(y, hn::BitCast(d, sign));
  return quarter == 0 ? hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, signed_y) : signed_y;  // of -0: -0
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_FUNCTIONS_INL_H_
