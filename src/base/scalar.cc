#include "base/scalar.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <string>

namespace slipway {
namespace {

// What a small binary float looks like. `has_inf`: the top exponent holds infinity and NaN (IEEE); otherwise
// only the all-ones pattern (FN) or the negative zero pattern (FNUZ) is NaN, and f4 has none.
struct SmallFormat {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  bool has_inf;
  bool is_fnuz;
};

SmallFormat FormatOf(DType dtype) {
  switch (dtype) {
    case DType::kF16: return {5, 10, 15, true, false};
    case DType::kBF16: return {8, 7, 127, true, false};
    case DType::kF8E4M3FN: return {4, 3, 7, false, false};
    case DType::kF8E4M3FNUZ: return {4, 3, 8, false, true};
    case DType::kF8E5M2: return {5, 2, 15, true, false};
    case DType::kF8E5M2FNUZ: return {5, 2, 16, false, true};
    default: return {2, 1, 1, false, false};  // kF4E2M1
  }
}

double MaxFinite(DType dtype) {
  switch (dtype) {
    case DType::kF16: return 65504.0;
    case DType::kBF16: return 3.3895313892515355e38;
    case DType::kF8E4M3FN: return 448.0;
    case DType::kF8E4M3FNUZ: return 240.0;
    case DType::kF8E5M2: return 57344.0;
    case DType::kF8E5M2FNUZ: return 57344.0;
    default: return 6.0;
  }
}

uint32_t NanBits(DType dtype, const SmallFormat& format) {
  if (dtype == DType::kF4E2M1) return 8;  // no NaN: -0, as in ONNX's reference
  if (format.is_fnuz) return 0x80;
  const uint32_t exponent = ((1u << format.exponent_bits) - 1) << format.mantissa_bits;
  if (format.has_inf) return exponent | (1u << (format.mantissa_bits - 1));
  return exponent | ((1u << format.mantissa_bits) - 1);
}

double Decode(DType dtype, uint32_t bits) {
  const SmallFormat format = FormatOf(dtype);
  const int total = 1 + format.exponent_bits + format.mantissa_bits;
  const bool is_negative = (bits >> (total - 1)) & 1;
  const uint32_t magnitude = bits & ((1u << (total - 1)) - 1);
  const uint32_t mantissa = magnitude & ((1u << format.mantissa_bits) - 1);
  const auto exponent = static_cast<int>(magnitude >> format.mantissa_bits);
  const double sign = is_negative ? -1.0 : 1.0;
  if (format.is_fnuz && bits == 0x80) return std::numeric_limits<double>::quiet_NaN();
  if (format.has_inf && exponent == (1 << format.exponent_bits) - 1) {
    return mantissa ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  }
  if (dtype == DType::kF8E4M3FN && magnitude == 0x7f) return std::numeric_limits<double>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - format.bias - format.mantissa_bits);
  return sign *
         std::ldexp((1u << format.mantissa_bits) + mantissa, exponent - format.bias - format.mantissa_bits);
}

uint32_t Encode(DType dtype, double value, Overflow overflow) {
  const SmallFormat format = FormatOf(dtype);
  const uint32_t sign = std::signbit(value) ? 1u << (format.exponent_bits + format.mantissa_bits) : 0;
  if (std::isnan(value)) return NanBits(dtype, format) | (format.is_fnuz ? 0 : sign);
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return format.is_fnuz ? 0 : sign;

  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude = f * 2^exponent, f in [0.5, 1)
  const int lowest = 1 - format.bias;
  const int scale = std::max(exponent - 1, lowest) - format.mantissa_bits;  // of the last mantissa bit
  // nearbyint under the default rounding mode: ties to even.
  const double rounded =
      std::isinf(magnitude) ? magnitude : std::ldexp(std::nearbyint(std::ldexp(magnitude, -scale)), scale);
  if (rounded > MaxFinite(dtype)) {
    const bool saturates = overflow == Overflow::kSaturate || dtype == DType::kF4E2M1;
    if (saturates) return Encode(dtype, std::copysign(MaxFinite(dtype), value), overflow);
    if (!format.has_inf) return NanBits(dtype, format) | (format.is_fnuz ? 0 : sign);
    return sign | (((1u << format.exponent_bits) - 1) << format.mantissa_bits);
  }
  if (rounded == 0) return format.is_fnuz ? 0 : sign;
  std::frexp(rounded, &exponent);
  const int unbiased = exponent - 1;
  if (unbiased < lowest) {
    return sign | static_cast<uint32_t>(std::ldexp(rounded, format.bias - 1 + format.mantissa_bits));
  }
  const auto mantissa = static_cast<uint32_t>(std::ldexp(rounded, format.mantissa_bits - unbiased)) &
                        ((1u << format.mantissa_bits) - 1);
  return sign | (static_cast<uint32_t>(unbiased + format.bias) << format.mantissa_bits) | mantissa;
}

template <class T>
T Read(const void* data, int64_t i) {
  return static_cast<const T*>(data)[i];
}

template <class T>
void Write(void* data, int64_t i, T value) {
  static_cast<T*>(data)[i] = value;
}

uint8_t ReadSubByte(int bits, const void* data, int64_t i) {
  const int per_byte = 8 / bits;
  const int shift = static_cast<int>(i % per_byte) * bits;
  return static_cast<uint8_t>((static_cast<const uint8_t*>(data)[i / per_byte] >> shift) & ((1 << bits) - 1));
}

void WriteSubByte(int bits, void* data, int64_t i, uint32_t value) {
  const int per_byte = 8 / bits;
  const int shift = static_cast<int>(i % per_byte) * bits;
  const auto mask = static_cast<uint8_t>(((1 << bits) - 1) << shift);
  uint8_t& byte = static_cast<uint8_t*>(data)[i / per_byte];
  byte = static_cast<uint8_t>((byte & ~mask) | ((value << shift) & mask));
}

int64_t SignExtend(uint8_t value, int bits) {
  return value >= (1 << (bits - 1)) ? static_cast<int64_t>(value) - (1 << bits) : value;
}

double DecodeE8M0(uint8_t bits) {
  return bits == 255 ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, bits - 127);
}

uint8_t EncodeE8M0(double value) {
  if (std::isnan(value) || value < 0) return 255;
  if (std::isinf(value)) return 254;
  if (value == 0) return 0;
  const double exponent = std::nearbyint(std::log2(value));
  return static_cast<uint8_t>(std::clamp(exponent + 127, 0.0, 254.0));
}

// Truncates toward zero and wraps; NaN and infinities, where no rule exists, give what x86 conversions do for
// i64.
int64_t TruncateToInt(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 9223372036854775808.0) {
    return value < 18446744073709551616.0 ? static_cast<int64_t>(static_cast<uint64_t>(value)) : INT64_MAX;
  }
  if (value <= -9223372036854775808.0) return INT64_MIN;
  return static_cast<int64_t>(value);
}

}  // namespace

double LoadReal(DType dtype, const void* data, int64_t i) {
  switch (dtype) {
    case DType::kF32: return Read<float>(data, i);
    case DType::kF64: return Read<double>(data, i);
    case DType::kF16: return HalfToFloat(Read<uint16_t>(data, i));
    case DType::kBF16: return BFloat16ToFloat(Read<uint16_t>(data, i));
    case DType::kU64: return static_cast<double>(Read<uint64_t>(data, i));
    case DType::kC64: return Read<std::complex<float>>(data, i).real();
    case DType::kC128: return Read<std::complex<double>>(data, i).real();
    case DType::kF4E2M1: return DecodeSmallFloat(dtype, ReadSubByte(4, data, i));
    case DType::kF8E4M3FN:
    case DType::kF8E4M3FNUZ:
    case DType::kF8E5M2:
    case DType::kF8E5M2FNUZ:
    case DType::kF8E8M0: return DecodeSmallFloat(dtype, Read<uint8_t>(data, i));
    default: return static_cast<double>(LoadInt(dtype, data, i));
  }
}

void StoreReal(DType dtype, void* data, int64_t i, double value) {
  switch (dtype) {
    case DType::kF32: return Write(data, i, static_cast<float>(value));
    case DType::kF64: return Write(data, i, value);
    case DType::kF16:
      return Write(data, i, static_cast<uint16_t>(Encode(dtype, value, Overflow::kToInfinity)));
    case DType::kBF16:
      return Write(data, i, static_cast<uint16_t>(Encode(dtype, value, Overflow::kToInfinity)));
    case DType::kC64: return Write(data, i, std::complex<float>(static_cast<float>(value), 0));
    case DType::kC128: return Write(data, i, std::complex<double>(value, 0));
    case DType::kF4E2M1: return WriteSubByte(4, data, i, EncodeSmallFloat(dtype, value, Overflow::kSaturate));
    case DType::kF8E4M3FN:
    case DType::kF8E4M3FNUZ:
    case DType::kF8E5M2:
    case DType::kF8E5M2FNUZ:
    case DType::kF8E8M0: return Write(data, i, EncodeSmallFloat(dtype, value, Overflow::kToInfinity));
    case DType::kBool: return Write<uint8_t>(data, i, value != 0);
    default: return StoreInt(dtype, data, i, TruncateToInt(value));
  }
}

int64_t LoadInt(DType dtype, const void* data, int64_t i) {
  switch (dtype) {
    case DType::kI8: return Read<int8_t>(data, i);
    case DType::kU8: return Read<uint8_t>(data, i);
    case DType::kI16: return Read<int16_t>(data, i);
    case DType::kU16: return Read<uint16_t>(data, i);
    case DType::kI32: return Read<int32_t>(data, i);
    case DType::kU32: return Read<uint32_t>(data, i);
    case DType::kI64: return Read<int64_t>(data, i);
    case DType::kU64: return static_cast<int64_t>(Read<uint64_t>(data, i));
    case DType::kBool: return Read<uint8_t>(data, i) != 0;
    case DType::kI4: return SignExtend(ReadSubByte(4, data, i), 4);
    case DType::kU4: return ReadSubByte(4, data, i);
    case DType::kI2: return SignExtend(ReadSubByte(2, data, i), 2);
    case DType::kU2: return ReadSubByte(2, data, i);
    case DType::kNone:
    case DType::kString: return 0;
    default: return TruncateToInt(LoadReal(dtype, data, i));
  }
}

std::vector<int64_t> IntsOf(const Tensor& tensor) {
  std::vector<int64_t> values(static_cast<size_t>(tensor.count()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = LoadInt(tensor.dtype(), tensor.data(), static_cast<int64_t>(i));
  }
  return values;
}

void StoreInt(DType dtype, void* data, int64_t i, int64_t value) {
  switch (dtype) {
    case DType::kI8:
    case DType::kU8: return Write(data, i, static_cast<uint8_t>(value));
    case DType::kI16:
    case DType::kU16: return Write(data, i, static_cast<uint16_t>(value));
    case DType::kI32:
    case DType::kU32: return Write(data, i, static_cast<uint32_t>(value));
    case DType::kI64:
    case DType::kU64: return Write(data, i, value);
    case DType::kBool: return Write<uint8_t>(data, i, value != 0);
    case DType::kI4:
    case DType::kU4: return WriteSubByte(4, data, i, static_cast<uint32_t>(value));
    case DType::kI2:
    case DType::kU2: return WriteSubByte(2, data, i, static_cast<uint32_t>(value));
    case DType::kNone:
    case DType::kString: return;
    default: return StoreReal(dtype, data, i, static_cast<double>(value));
  }
}

void CopyElement(DType dtype, const void* source, int64_t from, void* target, int64_t to) {
  if (dtype == DType::kString) {
    static_cast<std::string*>(target)[to] = static_cast<const std::string*>(source)[from];
    return;
  }
  const int bits = BitsOf(dtype);
  if (bits < 8) return WriteSubByte(bits, target, to, ReadSubByte(bits, source, from));
  const int bytes = bits / 8;
  std::memcpy(static_cast<char*>(target) + to * bytes, static_cast<const char*>(source) + from * bytes,
              static_cast<size_t>(bytes));
}

float HalfToFloat(uint16_t bits) { return static_cast<float>(Decode(DType::kF16, bits)); }

uint16_t FloatToHalf(float value) {
  return static_cast<uint16_t>(Encode(DType::kF16, value, Overflow::kToInfinity));
}

uint16_t FloatToBFloat16(float value) {
  // Carries run into the exponent as they should, up to infinity.
  const auto bits = __builtin_bit_cast(uint32_t, value);
  if (!std::isnan(value)) return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  return static_cast<uint16_t>(Encode(DType::kBF16, value, Overflow::kToInfinity));
}

double DecodeSmallFloat(DType dtype, uint8_t bits) {
  return dtype == DType::kF8E8M0 ? DecodeE8M0(bits) : Decode(dtype, bits);
}

uint8_t EncodeSmallFloat(DType dtype, double value, Overflow overflow) {
  if (dtype == DType::kF8E8M0) return EncodeE8M0(value);
  return static_cast<uint8_t>(Encode(dtype, value, overflow));
}

int64_t MinOfInteger(DType dtype) {
  const int bits = BitsOf(dtype);
  if (!IsSigned(dtype)) return 0;
  return bits == 64 ? INT64_MIN : -(int64_t{1} << (bits - 1));
}

int64_t MaxOfInteger(DType dtype) {
  const int bits = BitsOf(dtype);
  if (dtype == DType::kBool) return 1;
  if (bits == 64) return INT64_MAX;
  return (int64_t{1} << (IsSigned(dtype) ? bits - 1 : bits)) - 1;
}

}  // namespace slipway
