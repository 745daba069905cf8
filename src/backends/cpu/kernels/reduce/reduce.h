// Sums and extremes along an axis, sums of 8-bit integers included, and the affine maps that normalisations
// end in.
#pragma once

#include <cstdint>

namespace slipway::cpu {

enum class Reduction { kSum, kMean, kMax, kMin };

// y[i] = f(x[0][i], x[1][i], ...) of x: [length][inner], row-major; inner >= 1, length >= 1. Sums in double.
// Extremes: NaN wins.
void ReduceF32(Reduction reduction, const float* x, int64_t length, int64_t inner, float* y);

// The sum of x[i * step] for i < length <= 2^23; T: int8_t or uint8_t.
int32_t SumOfBytes(const int8_t* x, int64_t length, int64_t step);
int32_t SumOfBytes(const uint8_t* x, int64_t length, int64_t step);

// Mean and variance of the population, in double, of x[0 .. count).
struct MeanAndVariance {
  double mean, variance;
};
MeanAndVariance MomentsF32(const float* x, int64_t count);
// sums[c] += x[r][c] - shift[c], squares[c] += its square, of `rows` rows of `width`, one behind the other.
void AddMomentsF32(const float* x, int64_t rows, int64_t width, const float* shift, double* sums,
                   double* squares);

// y[i] = (x[i] - center) * factor + offset
void AffineF32(const float* x, int64_t count, float center, float factor, float offset, float* y);
// The same with one center, factor and offset per element.
void AffineRowF32(const float* x, int64_t count, const float* center, const float* factor,
                  const float* offset, float* y);

}  // namespace slipway::cpu
