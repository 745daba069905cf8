// The transforms of rows of a tile, on vectors: In is B^T of the form, Out is A^T, Weights is G, whose rows
// are kWeights.
//
// Included once per Highway target.
#if defined(SLIPWAY_CPU_WINOGRAD_FORMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_WINOGRAD_FORMS_INL_H_
#undef SLIPWAY_CPU_WINOGRAD_FORMS_INL_H_
#else
#define SLIPWAY_CPU_WINOGRAD_FORMS_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// a * x + y
template <class V>
HWY_INLINE V Axpy(float a, V x, V y) {
  return hn::MulAdd(hn::Set(hn::DFromV<V>(), a), x, y);
}

// F(4,3) at the points 0, 3/4, -3/4, 3/2, -3/2 and infinity: numbers of one size, whose sums lose half of
// what those of the customary 1 and 2 lose (Barabasz et al. 2018, arXiv 1803.10986, on choosing points).
struct FormF4x4 {
  static constexpr int kIn = 6, kOut = 4, kAdvance = 4, kSide = 6;
  static constexpr float kA = 64.0F / 81, kB = 128.0F / 243, kC = 32.0F / 81, kD = 8.0F / 27,
                         kE = 32.0F / 243, kF = 16.0F / 81;
  static constexpr float kWeights[kSide][3] = {{kA, 0, 0},   {-kB, -kC, -kD}, {-kB, kC, -kD},
                                               {kE, kF, kD}, {kE, -kF, kD},   {0, 0, 1}};

  template <class V>
  static HWY_INLINE void Weights(const V* HWY_RESTRICT w, V* HWY_RESTRICT o) {
    const hn::DFromV<V> d;
    const V even1 = Axpy(-kD, w[2], hn::Mul(hn::Set(d, -kB), w[0]));
    const V even2 = Axpy(kD, w[2], hn::Mul(hn::Set(d, kE), w[0]));
    o[0] = hn::Mul(hn::Set(d, kA), w[0]);
    o[1] = Axpy(-kC, w[1], even1);
    o[2] = Axpy(kC, w[1], even1);
    o[3] = Axpy(kF, w[1], even2);
    o[4] = Axpy(-kF, w[1], even2);
    o[5] = w[2];
  }

  template <class V>
  static HWY_INLINE void In(const V* HWY_RESTRICT d, V* HWY_RESTRICT o) {
    const V even1 = Axpy(-2.25F, d[2], d[4]);
    const V odd1 = Axpy(-2.25F, d[1], d[3]);
    const V even2 = Axpy(-0.5625F, d[2], d[4]);
    const V odd2 = Axpy(-0.5625F, d[1], d[3]);
    o[0] = Axpy(1.265625F, d[0], Axpy(-2.8125F, d[2], d[4]));
    o[1] = Axpy(0.75F, odd1, even1);
    o[2] = Axpy(-0.75F, odd1, even1);
    o[3] = Axpy(1.5F, odd2, even2);
    o[4] = Axpy(-1.5F, odd2, even2);
    o[5] = Axpy(1.265625F, d[1], Axpy(-2.8125F, d[3], d[5]));
  }

  template <class V>
  static HWY_INLINE void Out(const V* HWY_RESTRICT m, V* HWY_RESTRICT o) {
    const V sum1 = hn::Add(m[1], m[2]), difference1 = hn::Sub(m[1], m[2]);
    const V sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
    o[0] = hn::Add(hn::Add(m[0], sum1), sum2);
    o[1] = Axpy(1.5F, difference2, hn::Mul(hn::Set(hn::DFromV<V>(), 0.75F), difference1));
    o[2] = Axpy(2.25F, sum2, hn::Mul(hn::Set(hn::DFromV<V>(), 0.5625F), sum1));
    o[3] = Axpy(3.375F, difference2, Axpy(0.421875F, difference1, m[5]));
  }
};

// F(6,3) at the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.
struct FormF6x6 {
  static constexpr int kIn = 8, kOut = 6, kAdvance = 6, kSide = 8;
  static constexpr float kA = 2.0F / 9, kB = 1.0F / 90, kC = 1.0F / 45, kD = 2.0F / 45, kE = 32.0F / 45,
                         kF = 16.0F / 45, kG = 8.0F / 45;
  static constexpr float kWeights[kSide][3] = {{1, 0, 0},     {-kA, -kA, -kA}, {-kA, kA, -kA}, {kB, kC, kD},
                                               {kB, -kC, kD}, {kE, kF, kG},    {kE, -kF, kG},  {0, 0, 1}};

  template <class V>
  static HWY_INLINE void Weights(const V* HWY_RESTRICT w, V* HWY_RESTRICT o) {
    const hn::DFromV<V> d;
    const V even1 = hn::Mul(hn::Set(d, -kA), hn::Add(w[0], w[2]));
    const V even2 = Axpy(kD, w[2], hn::Mul(hn::Set(d, kB), w[0]));
    const V even3 = Axpy(kG, w[2], hn::Mul(hn::Set(d, kE), w[0]));
    o[0] = w[0];
    o[1] = Axpy(-kA, w[1], even1);
    o[2] = Axpy(kA, w[1], even1);
    o[3] = Axpy(kC, w[1], even2);
    o[4] = Axpy(-kC, w[1], even2);
    o[5] = Axpy(kF, w[1], even3);
    o[6] = Axpy(-kF, w[1], even3);
    o[7] = w[2];
  }

  template <class V>
  static HWY_INLINE void In(const V* HWY_RESTRICT d, V* HWY_RESTRICT o) {
    o[0] = Axpy(5.25F, hn::Sub(d[4], d[2]), hn::Sub(d[0], d[6]));
    o[7] = Axpy(5.25F, hn::Sub(d[3], d[5]), hn::Sub(d[7], d[1]));
    const V even1 = Axpy(-4.25F, d[4], hn::Add(d[2], d[6]));
    const V odd1 = Axpy(-4.25F, d[3], hn::Add(d[1], d[5]));
    o[1] = hn::Add(even1, odd1);
    o[2] = hn::Sub(even1, odd1);
    const V even2 = Axpy(0.25F, d[2], Axpy(-1.25F, d[4], d[6]));
    const V odd2 = Axpy(0.25F, d[1], Axpy(-1.25F, d[3], d[5]));  // half of it
    o[3] = Axpy(2.0F, odd2, even2);
    o[4] = Axpy(-2.0F, odd2, even2);
    const V even3 = Axpy(4.0F, Axpy(-1.25F, d[4], d[2]), d[6]);
    const V odd3 = Axpy(4.0F, d[1], Axpy(-5.0F, d[3], d[5]));  // twice of it
    o[5] = Axpy(0.5F, odd3, even3);
    o[6] = Axpy(-0.5F, odd3, even3);
  }

  template <class V>
  static HWY_INLINE void Out(const V* HWY_RESTRICT m, V* HWY_RESTRICT o) {
    const V sum1 = hn::Add(m[1], m[2]), difference1 = hn::Sub(m[1], m[2]);
    const V sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
    const V sum3 = hn::Add(m[5], m[6]), difference3 = hn::Sub(m[5], m[6]);
    o[0] = hn::Add(hn::Add(m[0], sum1), hn::Add(sum2, sum3));
    o[1] = Axpy(0.5F, difference3, Axpy(2.0F, difference2, difference1));
    o[2] = Axpy(0.25F, sum3, Axpy(4.0F, sum2, sum1));
    o[3] = Axpy(0.125F, difference3, Axpy(8.0F, difference2, difference1));
    o[4] = Axpy(0.0625F, sum3, Axpy(16.0F, sum2, sum1));
    o[5] = hn::Add(Axpy(0.03125F, difference3, Axpy(32.0F, difference2, difference1)), m[7]);
  }
};

// Even rows by F(4,2) at the points 0, 1, -1, 2 and infinity (positions 0 to 4), odd rows as they are.
struct FormF4x4Stride2 {
  static constexpr int kIn = 9, kOut = 4, kAdvance = 8, kSide = 6;
  static constexpr float kSixth = 1.0F / 6, kThird = 1.0F / 3;
  static constexpr float kWeights[kSide][3] = {{0.5F, 0, 0},        {-0.5F, 0, -0.5F}, {-kSixth, 0, kSixth},
                                               {kSixth, 0, kThird}, {0, 0, 1},         {0, 1, 0}};

  template <class V>
  static HWY_INLINE void Weights(const V* HWY_RESTRICT w, V* HWY_RESTRICT o) {
    const hn::DFromV<V> d;
    o[0] = hn::Mul(hn::Set(d, 0.5F), w[0]);
    o[1] = hn::Mul(hn::Set(d, -0.5F), hn::Add(w[0], w[2]));
    o[2] = hn::Mul(hn::Set(d, kSixth), hn::Sub(w[2], w[0]));
    o[3] = Axpy(kSixth, w[0], hn::Mul(hn::Set(d, kThird), w[2]));
    o[4] = w[2];
    o[5] = w[1];
  }

  template <class V>
  static HWY_INLINE void In(const V* HWY_RESTRICT d, V* HWY_RESTRICT o) {
    const V difference = hn::Sub(d[2], d[6]);
    o[0] = Axpy(2.0F, hn::Sub(d[0], d[4]), hn::Neg(difference));
    o[1] = Axpy(-2.0F, d[2], hn::Sub(d[6], d[4]));
    o[2] = Axpy(2.0F, d[2], Axpy(-3.0F, d[4], d[6]));
    o[3] = hn::Neg(difference);
    o[4] = Axpy(2.0F, difference, hn::Sub(d[8], d[4]));
    o[5] = d[1];
    o[6] = d[3];
    o[7] = d[5];
    o[8] = d[7];
  }

  template <class V>
  static HWY_INLINE void Out(const V* HWY_RESTRICT m, V* HWY_RESTRICT o) {
    const V sum = hn::Add(m[1], m[2]), difference = hn::Sub(m[1], m[2]);
    o[0] = hn::Add(hn::Add(m[0], sum), hn::Add(m[3], m[5]));
    o[1] = hn::Add(Axpy(2.0F, m[3], difference), m[6]);
    o[2] = hn::Add(Axpy(4.0F, m[3], sum), m[7]);
    o[3] = hn::Add(hn::Add(Axpy(8.0F, m[3], difference), m[4]), m[8]);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_WINOGRAD_FORMS_INL_H_
