#include "slipway/dtype.h"

#include <array>
#include <string>

namespace slipway {
namespace {

enum class Kind : uint8_t { kOther, kFloat, kSigned, kUnsigned, kComplex };

struct Info {
  std::string_view name;
  int bits;
  Kind kind;
};

// Indexed by DType.
constexpr std::array<Info, kDTypeCount> kInfo = {{
    {"none", 0, Kind::kOther},    {"f32", 32, Kind::kFloat},       {"f16", 16, Kind::kFloat},
    {"bf16", 16, Kind::kFloat},   {"f64", 64, Kind::kFloat},       {"i8", 8, Kind::kSigned},
    {"u8", 8, Kind::kUnsigned},   {"i16", 16, Kind::kSigned},      {"u16", 16, Kind::kUnsigned},
    {"i32", 32, Kind::kSigned},   {"u32", 32, Kind::kUnsigned},    {"i64", 64, Kind::kSigned},
    {"u64", 64, Kind::kUnsigned}, {"bool", 8, Kind::kOther},       {"string", 0, Kind::kOther},
    {"i4", 4, Kind::kSigned},     {"u4", 4, Kind::kUnsigned},      {"i2", 2, Kind::kSigned},
    {"u2", 2, Kind::kUnsigned},   {"f8e4m3fn", 8, Kind::kFloat},   {"f8e4m3fnuz", 8, Kind::kFloat},
    {"f8e5m2", 8, Kind::kFloat},  {"f8e5m2fnuz", 8, Kind::kFloat}, {"f8e8m0", 8, Kind::kFloat},
    {"f4e2m1", 4, Kind::kFloat},  {"c64", 64, Kind::kComplex},     {"c128", 128, Kind::kComplex},
}};

const Info& InfoOf(DType dtype) {
  const auto index = static_cast<size_t>(dtype);
  return kInfo[index < kInfo.size() ? index : 0];
}

}  // namespace

std::string_view DTypeName(DType dtype) { return InfoOf(dtype).name; }

std::optional<DType> ParseDType(std::string_view name) {
  for (size_t i = 1; i < kInfo.size(); ++i) {
    if (kInfo[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

int BitsOf(DType dtype) { return InfoOf(dtype).bits; }

int64_t BytesOf(DType dtype, int64_t count) {
  if (dtype == DType::kString) return count * static_cast<int64_t>(sizeof(std::string));
  const int bits = BitsOf(dtype);
  return bits >= 8 ? count * (bits / 8) : (count * bits + 7) / 8;
}

bool IsFloat(DType dtype) { return InfoOf(dtype).kind == Kind::kFloat; }
bool IsInteger(DType dtype) {
  return InfoOf(dtype).kind == Kind::kSigned || InfoOf(dtype).kind == Kind::kUnsigned;
}
bool IsSigned(DType dtype) { return IsFloat(dtype) || InfoOf(dtype).kind == Kind::kSigned; }
bool IsSubByte(DType dtype) { return BitsOf(dtype) > 0 && BitsOf(dtype) < 8; }
bool IsComplex(DType dtype) { return InfoOf(dtype).kind == Kind::kComplex; }

}  // namespace slipway
