// Element-wise f32 functions of one and two operands, on contiguous runs.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/simd/activation.h"

namespace slipway::cpu {

enum class UnaryF32 { kActivation, kExp, kNeg, kAbs, kSqrt, kSquare, kReciprocal, kHardSigmoid };
enum class BinaryF32 { kAdd, kSub, kMul, kDiv, kPRelu, kMax, kMin, kSquaredDifference };
// How an operand runs along the innermost axis.
enum class Run { kEach, kRepeated };

// y[i] = f(x[i]); `activation` for kActivation; kHardSigmoid: slope * x + low, within [0, 1]. x and y may be
// the same.
void RunUnaryF32(UnaryF32 function, const FusedActivation& activation, const float* x, int64_t count,
                 float* y);

// y[i] = activation(f(a[i or 0], b[i or 0])). kPRelu: b is the slope of negative a. kMax, kMin: NaN wins.
struct BinaryRow {
  BinaryF32 function = BinaryF32::kAdd;
  FusedActivation activation;
  Run a = Run::kEach, b = Run::kEach;
};
void RunBinaryF32(const BinaryRow& row, const float* a, const float* b, int64_t count, float* y);

}  // namespace slipway::cpu
