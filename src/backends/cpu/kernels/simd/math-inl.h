// Transcendental functions on vectors of f32, relative error about 2e-7. Polynomials: Cephes (S. Moshier).
//
// Included once per Highway target.
#if defined(SLIPWAY_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_MATH_INL_H_
#undef SLIPWAY_CPU_MATH_INL_H_
#else
#define SLIPWAY_CPU_MATH_INL_H_
#endif

#include <algorithm>

#include "backends/cpu/kernels/simd/activation.h"
#include "backends/cpu/kernels/simd/divide-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// NaN stays NaN: the second operand of Max and Min wins on x86, NaN on ARMv7. Those of Highway on ARMv8
// prefer numbers (FMAXNM), the processor's own do not.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ClampTo(V low, V high, V x, D) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  return hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
#elif HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_A64
  if constexpr (hn::MaxLanes(D()) == 4) {
    return V(vminq_f32(high.raw, vmaxq_f32(low.raw, x.raw)));
  } else {
    return V(vmin_f32(high.raw, vmax_f32(low.raw, x.raw)));
  }
#else
  return hn::Min(high, hn::Max(low, x));
#endif
}

// e^x; 0 below -87.3 (denormal results are flushed), infinity above 88.7. NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V clamped = hn::Min(hn::Max(x, hn::Set(d, -87.33654F)), hn::Set(d, 88.72283F));
  const V n = hn::Round(hn::Mul(clamped, hn::Set(d, 1.44269504088896341F)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375F), clamped);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4F), r);
  V p = hn::Set(d, 1.9875691500e-4F);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1F));
  p = hn::MulAdd(hn::Mul(p, r), r, hn::Add(r, hn::Set(d, 1.0F)));
  // 2^n in two halves: n may be 128, one more than an exponent holds.
  const auto exponent = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(exponent);
  const auto power = [&](auto e)
                         HWY_ATTR { return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(e, hn::Set(di, 127)))); };
  V y = hn::Mul(hn::Mul(p, power(half)), power(hn::Sub(exponent, half)));
  y = hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.33654F)), y);
  y = hn::IfThenElse(hn::Gt(x, hn::Set(d, 88.72283F)), hn::Inf(d), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// 1 / x within 2e-7 of it, for normal x of less than 2^126; cheaper than a division where there is an
// estimate.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Inverse(D d, V x) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  const V estimate = hn::ApproximateReciprocal(x);
  return hn::MulAdd(hn::NegMulAdd(x, estimate, hn::Set(d, 1.0F)), estimate, estimate);
#else
  return Divide(hn::Set(d, 1.0F), x);
#endif
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// 2^t with what AVX-512 has for it: floors and scales by powers of two in an instruction each. 2^f with f
// from 0 to 1 is a minimax polynomial of degree 5 (9e-8).
HWY_INLINE __m512 Exp2Of512(__m512 t) {
  const auto set = [](float value) HWY_ATTR { return _mm512_set1_ps(value); };
  const __m512 f = _mm512_reduce_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = set(1.877576608e-03F);
  p = _mm512_fmadd_ps(p, f, set(8.989340252e-03F));
  p = _mm512_fmadd_ps(p, f, set(5.582631792e-02F));
  p = _mm512_fmadd_ps(p, f, set(2.401536171e-01F));
  p = _mm512_fmadd_ps(p, f, set(6.931530732e-01F));
  p = _mm512_fmadd_ps(p, f, set(9.999999251e-01F));
  return _mm512_scalef_ps(p, t);
}

HWY_INLINE hn::Vec512<float> Logistic512(hn::Vec512<float> x) {
  const auto set = [](float value) HWY_ATTR { return _mm512_set1_ps(value); };
  const __m512 t = _mm512_mul_ps(x.raw, set(-1.44269504088896341F));
  const __m512 sum = _mm512_add_ps(Exp2Of512(t), set(1.0F));
  const __m512 estimate = _mm512_rcp14_ps(sum);
  const __m512 rest = _mm512_fnmadd_ps(sum, estimate, set(1.0F));
  const __mmask16 is_seen = _mm512_cmp_ps_mask(x.raw, set(-87.0F), _CMP_GE_OQ);
  return hn::Vec512<float>{_mm512_maskz_fmadd_ps(is_seen, rest, estimate, estimate)};
}
#endif

// 2^t; 0 below -150, infinity above 128, denormals at will. NaN stays NaN. Relative error about 2e-7 beside
// that of t.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp2(D d, V t) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  // The second operand wins where it is NaN.
  if constexpr (hn::MaxLanes(D()) == 16) return V{Exp2Of512(_mm512_max_ps(_mm512_set1_ps(-200.0F), t.raw))};
#endif
  return Exp(d, hn::Mul(t, hn::Set(d, 0.693147180559945309F)));
}

// 1 / (1 + e^-x) for x that is not NaN, 0 where it is: relative error about 3e-7; 0 below -87 (denormal
// results are flushed). e^-x = 2^n 2^f with f within +-1/2; the polynomial is the minimax one of degree 5
// (7.5e-8).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Logistic(D d, V x) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if constexpr (hn::MaxLanes(D()) == 16) return Logistic512(x);
#endif
  const hn::RebindToSigned<D> di;
  const V end = hn::Set(d, 87.0F);
  const V t = hn::Min(x, end);
  const V log2e = hn::Set(d, -1.44269504088896341F);
  const V n = hn::Round(hn::Mul(t, log2e));
  const V f = hn::MulSub(t, log2e, n);
  V p = hn::Set(d, 1.327647178e-03F);
  p = hn::MulAdd(p, f, hn::Set(d, 9.675541333e-03F));
  p = hn::MulAdd(p, f, hn::Set(d, 5.550713274e-02F));
  p = hn::MulAdd(p, f, hn::Set(d, 2.402211972e-01F));
  p = hn::MulAdd(p, f, hn::Set(d, 6.931469671e-01F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.000000072e+00F));
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(di, n));
  const V e = hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
  return hn::IfThenElseZero(hn::Ge(x, hn::Neg(end)), Inverse(d, hn::Add(e, hn::Set(d, 1.0F))));
}

// 1 / (1 + e^-x). NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  return hn::IfThenElse(hn::IsNaN(x), x, Logistic(d, x));
}

// x / (1 + e^-x). NaN stays NaN, and -infinity gives it, as everywhere.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Silu(D d, V x) {
  return hn::Mul(x, Logistic(d, x));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V magnitude = hn::Abs(x);
  const V e = Exp(d, hn::Mul(magnitude, hn::Set(d, 2.0F)));
  const V far = hn::Sub(one, Divide(hn::Set(d, 2.0F), hn::Add(e, one)));
  const V z = hn::Mul(x, x);
  V p = hn::Set(d, -5.70498872745e-3F);
  p = hn::MulAdd(p, z, hn::Set(d, 2.06390887954e-2F));
  p = hn::MulAdd(p, z, hn::Set(d, -5.37397155531e-2F));
  p = hn::MulAdd(p, z, hn::Set(d, 1.33314422036e-1F));
  p = hn::MulAdd(p, z, hn::Set(d, -3.33332819422e-1F));
  const V near = hn::MulAdd(hn::Mul(p, z), magnitude, magnitude);
  return hn::CopySign(hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625F)), near, far), x);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V HardSwish(D d, V x) {
  const V gate = hn::Min(hn::Max(hn::Add(x, hn::Set(d, 3.0F)), hn::Zero(d)), hn::Set(d, 6.0F));
  return hn::Mul(x, hn::Mul(gate, hn::Set(d, 1.0F / 6.0F)));
}

// Error at most 3e-7: a quotient of polynomials in x^2 within +-3.8325, where erf is 1 in f32 (coefficients:
// XLA's); beyond, 1 to the bit, or GELU of large negative numbers would not vanish. NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Erf(D d, V x) {
  const V end = hn::Set(d, 3.832506856900711F);
  const V t = ClampTo(hn::Neg(end), end, x, d);
  const V z = hn::Mul(t, t);
  V p = hn::Set(d, 2.2905065861350646e-4F);
  p = hn::MulAdd(p, z, hn::Set(d, 3.4082910107109506e-3F));
  p = hn::MulAdd(p, z, hn::Set(d, 5.0955695062380861e-2F));
  p = hn::MulAdd(p, z, hn::Set(d, 1.8520832239976145e-1F));
  p = hn::MulAdd(p, z, hn::Set(d, 1.128379143519084F));
  V q = hn::Set(d, -1.1791602954361697e-7F);
  q = hn::MulAdd(q, z, hn::Set(d, 2.3547966471313185e-5F));
  q = hn::MulAdd(q, z, hn::Set(d, 1.0179625278914885e-3F));
  q = hn::MulAdd(q, z, hn::Set(d, 1.4070470171167667e-2F));
  q = hn::MulAdd(q, z, hn::Set(d, 1.1098505178285362e-1F));
  q = hn::MulAdd(q, z, hn::Set(d, 4.9746925110067538e-1F));
  q = hn::MulAdd(q, z, hn::Set(d, 1.0F));
  const V y = Divide(hn::Mul(t, p), q);
  // Rounded once per step, the quotient ends at 1 by itself.
  if constexpr (HWY_NATIVE_FMA) return y;
  return hn::IfThenElse(hn::Ge(hn::Abs(x), end), hn::CopySign(hn::Set(d, 1.0F), x), y);
}

// x/2 * (1 + erf(x / sqrt 2))
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Gelu(D d, V x) {
  const V half = hn::Mul(x, hn::Set(d, 0.5F));
  return hn::MulAdd(half, Erf(d, hn::Mul(x, hn::Set(d, 0.70710678118654752F))), half);
}

// x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))), and 1 + tanh(t) = 2 / (1 + e^-2t).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluTanh(D d, V x) {
  const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715F * 0.79788456080286536F),
                             hn::Set(d, 0.79788456080286536F));
  const V exponent = hn::Mul(hn::Mul(x, cubic), hn::Set(d, -2.0F));
  return Divide(x, hn::Add(hn::Set(d, 1.0F), Exp(d, exponent)));
}

// Calls body(function on vectors) with the function of that activation: one switch per row, not per element.
template <class D, class Body>
HWY_INLINE void WithActivation(D d, const FusedActivation& activation, const Body& body) {
  using V = hn::Vec<D>;
  switch (activation.kind) {
    case ActivationKind::kClamp: {
      const V low = hn::Set(d, activation.low);
      const V high = hn::Set(d, activation.high);
      return body([=](V x) HWY_ATTR { return ClampTo(low, high, x, d); });
    }
    case ActivationKind::kTanh: return body([=](V x) HWY_ATTR { return Tanh(d, x); });
    case ActivationKind::kSigmoid: return body([=](V x) HWY_ATTR { return Sigmoid(d, x); });
    case ActivationKind::kSilu: return body([=](V x) HWY_ATTR { return Silu(d, x); });
    case ActivationKind::kHardSwish: return body([=](V x) HWY_ATTR { return HardSwish(d, x); });
    case ActivationKind::kGelu: return body([=](V x) HWY_ATTR { return Gelu(d, x); });
    case ActivationKind::kGeluTanh: return body([=](V x) HWY_ATTR { return GeluTanh(d, x); });
    case ActivationKind::kLeakyRelu: {
      const V slope = hn::Set(d, activation.slope);
      return body([=](V x) HWY_ATTR { return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, slope), x); });
    }
  }
}

// x[i] = activation(x[i])
HWY_INLINE void ActivateRow(const FusedActivation& activation, float* x, size_t count) {
  const hn::CappedTag<float, 16> d;
  const size_t lanes = hn::Lanes(d);
  WithActivation(d, activation, [&](auto f) HWY_ATTR {
    for (size_t i = 0; i < count; i += lanes) {
      const size_t together = std::min(lanes, count - i);
      StoreFirst(f(LoadFirst(d, x + i, together)), d, x + i, together);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_MATH_INL_H_
