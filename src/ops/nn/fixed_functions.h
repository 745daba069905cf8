// Exponential, logistic function, hyperbolic tangent and reciprocal in fixed point of 16 or 32 bits, to the
// bit as gemmlowp computes them: what TFLite's integer LSTM and one of its Softmax kernels are made of.
//
// Source: gemmlowp, "fixedpoint" (the scheme; Qk has k bits before the point of those after the sign). exp(x)
// is a polynomial on [-1/4, 0) times a factor for every bit of x below -1/4; 1 / (1 + x) and (1 - x) / (1 +
// x) come from three Newton steps for the reciprocal of (1 + x) / 2.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/fixed_point.h"

namespace slipway {

template <class T>
concept FixedWord = std::same_as<T, int16_t> || std::same_as<T, int32_t>;

template <FixedWord T>
class FixedFunctions {
 public:
  // x in Q`integer_bits`, integer_bits 0 to 6; the result in Q0.
  static T Logistic(T x, int integer_bits) {
    if (x == 0) return T{1} << (kBits - 2);
    const T negative = x > 0 ? Wrap(-Wide{x}) : x;
    const T positive = ReciprocalOfOnePlus(ExpOfNegative(negative, integer_bits));
    return x > 0 ? positive : Wrap(Wide{kOne} - positive);
  }

  static T Tanh(T x, int integer_bits) {
    if (x == 0) return 0;
    const T negative = x < 0 ? x : Wrap(-Wide{x});
    const T y = DoubledReciprocal(ExpOfNegative(negative, integer_bits + 1));
    const T t = Scaled(Wrap(Wide{y} - kOneInQ2), 2);  // (1 - e) / (1 + e) = 2 / (1 + e) - 1
    return x < 0 ? Wrap(-Wide{t}) : t;
  }

  // exp(x) for x <= 0 in Q`integer_bits`; Q0.
  static T ExpOfNegative(T x, int integer_bits) {
    if (x == 0) return kOne;
    const int fraction_bits = kBits - 1 - integer_bits;
    // exp(-2^k) for k = -2 ... 4.
    constexpr T kFactors[] = {Constant(1672461947), Constant(1302514674), Constant(790015084),
                              Constant(290630308),  Constant(39332535),   Constant(720401),
                              Constant(242)};
    const T quarter = static_cast<T>(T{1} << (fraction_bits - 2));
    const T small = static_cast<T>((x & (quarter - 1)) - quarter);
    T result = ExpOfSmall(Scaled(small, integer_bits));
    const T rest = Wrap(Wide{small} - x);
    for (int k = -2; k <= 4 && k < integer_bits; ++k) {
      if (((rest >> (fraction_bits + k)) & 1) != 0) result = Multiply(result, kFactors[k + 2]);
    }
    // exp(-32) is nothing in so few bits.
    const bool is_tiny = integer_bits > 5 && x < -(Wide{32} << fraction_bits);
    return is_tiny ? T{0} : result;
  }

  // 1 / (1 + x) for x in [0, 1], Q0 both.
  static T ReciprocalOfOnePlus(T x) { return Scaled(DoubledReciprocal(x), 1); }

  // Qa * Qb = Q(a+b), rounded half away from zero.
  static T Multiply(T a, T b) {
    if (a == b && a == kLowest) return kOne;
    const Wide product = Wide{a} * b;
    const Wide nudge = product >= 0 ? Wide{1} << (kBits - 2) : 1 - (Wide{1} << (kBits - 2));
    return static_cast<T>((product + nudge) / (Wide{1} << (kBits - 1)));
  }

  // x * 2^exponent.
  static T Scaled(T x, int exponent) {
    if (exponent < 0) return static_cast<T>(RoundingDivideByPowerOfTwo(x, -exponent));
    return Saturate(Wide{x} * (Wide{1} << exponent));
  }

 private:
  using Wide = std::conditional_t<sizeof(T) == 2, int32_t, int64_t>;
  static constexpr int kBits = 8 * sizeof(T);
  static constexpr T kOne = std::numeric_limits<T>::max();  // in Q0
  static constexpr T kLowest = std::numeric_limits<T>::min();
  static constexpr T kOneInQ2 = T{1} << (kBits - 3);

  static T Saturate(Wide x) { return static_cast<T>(std::clamp<Wide>(x, kLowest, kOne)); }
  static T Wrap(Wide x) { return static_cast<T>(static_cast<std::make_unsigned_t<T>>(x)); }

  // Of 31 bits after the sign, as gemmlowp lists them.
  static constexpr T Constant(int32_t raw) {
    return sizeof(T) == 4 ? static_cast<T>(raw) : static_cast<T>((int64_t{raw} + (1 << 15)) >> 16);
  }

  // exp(x) for x in [-1/4, 0), Q0 both: Taylor's polynomial around -1/8.
  static T ExpOfSmall(T x) {
    constexpr T kExpOfEighth = Constant(1895147668);  // exp(-1/8)
    constexpr T kThird = Constant(715827883);
    const T a = Wrap(Wide{x} + (Wide{1} << (kBits - 4)));
    const T a2 = Multiply(a, a);
    const T a3 = Multiply(a2, a);
    const T a4 = Multiply(a2, a2);
    const T cubic = Wrap(Wide{Multiply(Wrap(Wide{Scaled(a4, -2)} + a3), kThird)} + a2);
    return Saturate(Wide{kExpOfEighth} + Multiply(kExpOfEighth, Wrap(Wide{a} + Scaled(cubic, -1))));
  }

  // 2 / (1 + x) for x in [0, 1], Q0 to Q2.
  static T DoubledReciprocal(T x) {
    constexpr T k48By17 = Constant(1515870810);               // Q2
    constexpr T k32By17 = Constant(-1010580540);              // negative, Q2
    const T half = static_cast<T>((Wide{x} + kOne + 1) / 2);  // (1 + x) / 2
    T y = Wrap(Wide{k48By17} + Multiply(half, k32By17));
    for (int i = 0; i < 3; ++i) {
      const T missing = Wrap(Wide{kOneInQ2} - Multiply(half, y));
      y = Wrap(Wide{y} + Scaled(Multiply(y, missing), 2));
    }
    return y;
  }
};

}  // namespace slipway
