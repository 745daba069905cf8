#include "ir/dim.h"

#include <algorithm>

namespace slipway {
namespace {

// Expressions beyond this length become anonymous: a hostile model must not make names grow without end.
constexpr size_t kMaxSymbolLength = 120;

Dim Expression(const Dim& a, const char* op, const Dim& b) {
  if ((!a.IsKnown() && !a.IsNamed()) || (!b.IsKnown() && !b.IsNamed())) return {};
  std::string text = "(" + a.ToString() + op + b.ToString() + ")";
  if (text.size() > kMaxSymbolLength) return {};
  return Dim::Symbol(std::move(text));
}

}  // namespace

Dim Dim::Symbol(std::string name) {
  Dim dim;
  dim.symbol_ = std::move(name);
  return dim;
}

bool Dim::SurelyEquals(const Dim& other) const {
  if (IsKnown() || other.IsKnown()) return value_ == other.value_;
  return IsNamed() && symbol_ == other.symbol_;
}

std::string Dim::ToString() const {
  if (IsKnown()) return std::to_string(value_);
  return symbol_.empty() ? "?" : symbol_;
}

Dim operator+(const Dim& a, const Dim& b) {
  int64_t sum = 0;
  if (a.IsKnown() && b.IsKnown())
    return __builtin_add_overflow(a.value(), b.value(), &sum) ? Dim() : Dim(sum);
  if (a.IsKnown() && a.value() == 0) return b;
  if (b.IsKnown() && b.value() == 0) return a;
  return Expression(a, "+", b);
}

Dim operator-(const Dim& a, const Dim& b) {
  int64_t difference = 0;
  if (a.IsKnown() && b.IsKnown()) {
    return __builtin_sub_overflow(a.value(), b.value(), &difference) ? Dim() : Dim(difference);
  }
  if (b.IsKnown() && b.value() == 0) return a;
  if (a.SurelyEquals(b)) return 0;
  return Expression(a, "-", b);
}

Dim operator*(const Dim& a, const Dim& b) {
  int64_t product = 0;
  if (a.IsKnown() && b.IsKnown()) {
    return __builtin_mul_overflow(a.value(), b.value(), &product) ? Dim() : Dim(product);
  }
  if ((a.IsKnown() && a.value() == 0) || (b.IsKnown() && b.value() == 0)) return 0;
  if (a.IsKnown() && a.value() == 1) return b;
  if (b.IsKnown() && b.value() == 1) return a;
  return Expression(a, "*", b);
}

Dim FloorDiv(const Dim& a, const Dim& b) {
  if (b.IsKnown() && b.value() == 0) return {};
  if (b.IsKnown() && b.value() == 1) return a;
  if (a.IsKnown() && b.IsKnown()) {
    if (a.value() == INT64_MIN || b.value() == -1) return Dim(0) - a;
    const int64_t quotient = a.value() / b.value();
    const bool rounds_up = a.value() % b.value() != 0 && (a.value() < 0) != (b.value() < 0);
    return quotient - (rounds_up ? 1 : 0);
  }
  if (a.SurelyEquals(b)) return 1;
  return Expression(a, "/", b);
}

Dim CeilDiv(const Dim& a, const Dim& b) { return FloorDiv(a + (b - 1), b); }

DimList ToDimList(const Dims& dims) { return DimList(dims.begin(), dims.end()); }

bool AllKnown(const DimList& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.IsKnown(); });
}

Dims KnownDims(const DimList& dims) {
  Dims known;
  known.reserve(dims.size());
  for (const Dim& dim : dims) known.push_back(dim.value());
  return known;
}

std::string ToString(const DimList& dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i) text += ',';
    text += dims[i].ToString();
  }
  return text + "]";
}

}  // namespace slipway
