#include "ops/index/reduction.h"

#include <algorithm>
#include <cmath>

#include "base/scalar.h"

namespace slipway {
namespace {

double CombineReal(std::string_view reduction, double old, double value) {
  if (reduction == "add") return old + value;
  if (reduction == "mul") return old * value;
  if (std::isnan(old) || std::isnan(value)) return NAN;
  return reduction == "max" ? std::max(old, value) : std::min(old, value);
}

int64_t CombineInt(std::string_view reduction, DType dtype, int64_t old, int64_t value) {
  const auto a = static_cast<uint64_t>(old);
  const auto b = static_cast<uint64_t>(value);
  if (reduction == "add") return static_cast<int64_t>(a + b);
  if (reduction == "mul") return static_cast<int64_t>(a * b);
  const bool is_less = dtype == DType::kU64 ? a < b : old < value;
  return (reduction == "max") == is_less ? value : old;
}

}  // namespace

AttrDef ReductionAttr() {
  return StringAttr(
      "reduction", "none", {"none", "add", "mul", "max", "min"},
      "how a new element combines with what is there; none: replaces it, the last of equals stays");
}

void ScatterElement(std::string_view reduction, DType dtype, const void* source, int64_t from, void* target,
                    int64_t to) {
  if (reduction == "none" || dtype == DType::kString || IsComplex(dtype)) {
    CopyElement(dtype, source, from, target, to);
  } else if (IsFloat(dtype)) {
    StoreReal(dtype, target, to,
              CombineReal(reduction, LoadReal(dtype, target, to), LoadReal(dtype, source, from)));
  } else {
    StoreInt(dtype, target, to,
             CombineInt(reduction, dtype, LoadInt(dtype, target, to), LoadInt(dtype, source, from)));
  }
}

}  // namespace slipway
