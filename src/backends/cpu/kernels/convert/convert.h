// Reals to quantised integers, and half floats to reals and back.
#pragma once

#include <cstdint>

namespace slipway::cpu {

enum class TieRule { kToEven, kAwayFromZero };
enum class NanRule { kZeroPoint, kZero };  // what NaN becomes
struct QuantizeRow {
  float scale = 1;
  int32_t zero_point = 0;
  int32_t low = 0, high = 255;  // of the results
  TieRule ties = TieRule::kToEven;
  NanRule nan = NanRule::kZeroPoint;
};

// y = clamp(round(x / scale) + zero_point, low, high). T: int8_t, uint8_t, int16_t or uint16_t.
template <class T>
void QuantizeFloats(const QuantizeRow& row, const float* x, int64_t count, T* y);
template <>
void QuantizeFloats<int8_t>(const QuantizeRow& row, const float* x, int64_t count, int8_t* y);
template <>
void QuantizeFloats<uint8_t>(const QuantizeRow& row, const float* x, int64_t count, uint8_t* y);
template <>
void QuantizeFloats<int16_t>(const QuantizeRow& row, const float* x, int64_t count, int16_t* y);
template <>
void QuantizeFloats<uint16_t>(const QuantizeRow& row, const float* x, int64_t count, uint16_t* y);

// IEEE half floats; NaN keeps being NaN.
void HalfToFloats(const uint16_t* x, int64_t count, float* y);
// To the nearest, ties to even; beyond the largest half: infinity.
void FloatsToHalf(const float* x, int64_t count, uint16_t* y);

}  // namespace slipway::cpu
