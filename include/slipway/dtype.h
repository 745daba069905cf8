// Element types of tensors, in the field's usual short names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace slipway {

// Written to .slip files: never renumber.
enum class DType : uint8_t {
  kNone = 0,
  kF32 = 1,
  kF16 = 2,
  kBF16 = 3,
  kF64 = 4,
  kI8 = 5,
  kU8 = 6,
  kI16 = 7,
  kU16 = 8,
  kI32 = 9,
  kU32 = 10,
  kI64 = 11,
  kU64 = 12,
  kBool = 13,    // one byte, 0 or 1
  kString = 14,  // std::string, UTF-8
  kI4 = 15,      // two per byte, the first in the low nibble
  kU4 = 16,
  kI2 = 17,  // four per byte, the first in the lowest bits
  kU2 = 18,
  kF8E4M3FN = 19,
  kF8E4M3FNUZ = 20,
  kF8E5M2 = 21,
  kF8E5M2FNUZ = 22,
  kF8E8M0 = 23,
  kF4E2M1 = 24,  // two per byte, the first in the low nibble
  kC64 = 25,     // f32 real, f32 imaginary
  kC128 = 26,
};
inline constexpr int kDTypeCount = 27;

// "f32", "i8", ...
std::string_view DTypeName(DType dtype);
std::optional<DType> ParseDType(std::string_view name);

// Bits of one element; 0 for kNone and kString.
int BitsOf(DType dtype);
// Bytes of `count` packed elements; for kString the size of the std::string objects.
// count: >= 0 and small enough that the result fits (callers check shapes first).
int64_t BytesOf(DType dtype, int64_t count);

bool IsFloat(DType dtype);    // f64, f32, f16, bf16, f8*, f4
bool IsInteger(DType dtype);  // i2..i64, u2..u64; not bool
bool IsSigned(DType dtype);   // signed integers and floats
bool IsSubByte(DType dtype);
bool IsComplex(DType dtype);

}  // namespace slipway
