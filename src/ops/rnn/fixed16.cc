// Source: gemmlowp, "fixedpoint" (the scheme; Qk below has k bits before the point of 15). exp(-x) is a
// polynomial on [-1/4, 0) times a factor for every bit of x above 1/4; 1 / (1 + x) and (1 - x) / (1 + x) come
// from three Newton steps for the reciprocal of (1 + x) / 2.
#include "ops/rnn/fixed16.h"

#include <algorithm>
#include <limits>

#include "base/fixed_point.h"

namespace slipway {
namespace {

constexpr int16_t kOne = std::numeric_limits<int16_t>::max();  // in Q0

int16_t Saturate(int32_t x) { return static_cast<int16_t>(std::clamp<int32_t>(x, INT16_MIN, INT16_MAX)); }
int16_t Wrap(int32_t x) { return static_cast<int16_t>(static_cast<uint16_t>(x)); }

// Qa * Qb = Q(a+b), rounded half away from zero.
int16_t Multiply(int16_t a, int16_t b) {
  if (a == b && a == INT16_MIN) return kOne;
  const int32_t product = static_cast<int32_t>(a) * b;
  const int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return static_cast<int16_t>((product + nudge) / (1 << 15));
}

// x * 2^exponent.
int16_t Scaled(int16_t x, int exponent) {
  if (exponent < 0) return static_cast<int16_t>(RoundingDivideByPowerOfTwo(x, -exponent));
  return Saturate(x * (1 << exponent));
}

// Of 31 bits after the sign, as gemmlowp lists them.
constexpr int16_t Constant(int32_t raw) { return static_cast<int16_t>((int64_t{raw} + (1 << 15)) >> 16); }

// exp(x) for x in [-1/4, 0), Q0 both: Taylor's polynomial around -1/8.
int16_t ExpOfSmall(int16_t x) {
  constexpr int16_t kExpOfEighth = Constant(1895147668);  // exp(-1/8)
  constexpr int16_t kThird = Constant(715827883);
  const int16_t a = Wrap(x + (1 << 12));
  const int16_t a2 = Multiply(a, a);
  const int16_t a3 = Multiply(a2, a);
  const int16_t a4 = Multiply(a2, a2);
  const int16_t cubic = Wrap(Multiply(Wrap(Scaled(a4, -2) + a3), kThird) + a2);
  return Saturate(kExpOfEighth + Multiply(kExpOfEighth, Wrap(a + Scaled(cubic, -1))));
}

// exp(x) for x <= 0 in Q`integer_bits`; Q0.
int16_t ExpOfNegative(int16_t x, int integer_bits) {
  if (x == 0) return kOne;
  const int fraction_bits = 15 - integer_bits;
  // exp(-2^k) for k = -2 ... 4.
  constexpr int16_t kFactors[] = {Constant(1672461947), Constant(1302514674), Constant(790015084),
                                  Constant(290630308),  Constant(39332535),   Constant(720401),
                                  Constant(242)};
  const auto quarter = static_cast<int16_t>(1 << (fraction_bits - 2));
  const auto small = static_cast<int16_t>((x & (quarter - 1)) - quarter);
  int16_t result = ExpOfSmall(Scaled(small, integer_bits));
  const int16_t rest = Wrap(small - x);
  for (int k = -2; k <= 4 && k < integer_bits; ++k) {
    if ((rest & (1 << (fraction_bits + k))) != 0) result = Multiply(result, kFactors[k + 2]);
  }
  // exp(-32) is nothing in 15 bits.
  const bool is_tiny = integer_bits > 5 && x < -(1 << (20 - integer_bits));
  return is_tiny ? int16_t{0} : result;
}

// 2 / (1 + x) for x in [0, 1], Q0 to Q2.
int16_t DoubledReciprocal(int16_t x) {
  constexpr int16_t k48By17 = Constant(1515870810);   // Q2
  constexpr int16_t k32By17 = Constant(-1010580540);  // negative, Q2
  constexpr int16_t kOneInQ2 = 1 << 13;
  const auto half = static_cast<int16_t>((static_cast<int32_t>(x) + kOne + 1) / 2);  // (1 + x) / 2
  int16_t y = Wrap(k48By17 + Multiply(half, k32By17));
  for (int i = 0; i < 3; ++i) {
    const int16_t missing = Wrap(kOneInQ2 - Multiply(half, y));
    y = Wrap(y + Scaled(Multiply(y, missing), 2));
  }
  return y;
}

}  // namespace

int16_t FixedLogistic(int16_t x, int integer_bits) {
  if (x == 0) return 1 << 14;
  const int16_t negative = x > 0 ? Wrap(-x) : x;
  // y / 2 as Q1, then Q0.
  const int16_t positive = Scaled(DoubledReciprocal(ExpOfNegative(negative, integer_bits)), 1);
  return x > 0 ? positive : Wrap(kOne - positive);
}

int16_t FixedTanh(int16_t x, int integer_bits) {
  if (x == 0) return 0;
  const int16_t negative = x < 0 ? x : Wrap(-x);
  const int16_t y = DoubledReciprocal(ExpOfNegative(negative, integer_bits + 1));
  const int16_t t = Scaled(Wrap(y - (1 << 13)), 2);  // (1 - e) / (1 + e) = 2 / (1 + e) - 1
  return x < 0 ? Wrap(-t) : t;
}

}  // namespace slipway
