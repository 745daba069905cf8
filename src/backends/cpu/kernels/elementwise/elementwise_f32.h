// Element-wise f32 functions of one and two operands, on contiguous runs.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/elementwise/run.h"
#include "backends/cpu/kernels/simd/activation.h"

namespace slipway::cpu {

enum class UnaryF32 {
  kActivation,
  kExp,
  kExpm1,
  kLog,
  kLog1p,
  kErf,
  kSin,
  kCos,
  kNeg,
  kAbs,
  kSign,
  kFloor,
  kCeil,
  kRound,  // ties to even
  kSqrt,
  kRsqrt,
  kSquare,
  kReciprocal,
  kHardSigmoid,      // slope * x + low, within [0, 1]
  kElu,              // x > 0 ? high * x : slope * (e^x - 1)
  kCelu,             // max(x, 0) + min(slope * (e^(x / slope) - 1), 0)
  kSoftplus,         // log(1 + e^x)
  kSoftsign,         // x / (1 + |x|)
  kMish,             // x * tanh(log(1 + e^x))
  kThresholdedRelu,  // x > slope ? x : 0
};
enum class BinaryF32 { kAdd, kSub, kMul, kDiv, kPow, kPRelu, kMax, kMin, kSquaredDifference };

// y[i] = f(x[i]); `activation` for kActivation, and the parameters of others. x and y may be the same.
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
