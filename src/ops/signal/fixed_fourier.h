// The Fourier transform of real signals in fixed point, there and back: every butterfly divides by its radix,
// so that nothing overflows, and rounds half up.
//
// Arithmetic of KISS FFT's fixed-point form (M. Borgerding), which TensorFlow Lite Micro's audio operators
// use: radix 4 while it divides, then 2, 3 and 5; a real signal of n is a complex one of n/2.
// T: int16_t or int32_t.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace slipway {

template <class T>
struct FixedComplex {
  T real = 0;
  T imag = 0;
};

// The first n/2 + 1 values of the spectrum, divided by n. REQUIRES: n is even, 4 or more, and has no
// prime factors but 2, 3 and 5.
template <class T>
std::vector<FixedComplex<T>> FixedRealFourier(std::span<const T> signal);

// The signal of n numbers with this half spectrum of n/2 + 1, as the inverse with its factor 1/n has it.
// REQUIRES: as above.
template <class T>
std::vector<T> FixedRealFourierInverse(std::span<const FixedComplex<T>> spectrum);

extern template std::vector<FixedComplex<int16_t>> FixedRealFourier(std::span<const int16_t>);
extern template std::vector<FixedComplex<int32_t>> FixedRealFourier(std::span<const int32_t>);
extern template std::vector<int16_t> FixedRealFourierInverse(std::span<const FixedComplex<int16_t>>);
extern template std::vector<int32_t> FixedRealFourierInverse(std::span<const FixedComplex<int32_t>>);

}  // namespace slipway
