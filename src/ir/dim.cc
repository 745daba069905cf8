// Arithmetic on symbolic dimensions: multiples and offsets are folded and what cancels is cancelled, so that
// (N*32)/32 is N again and ((H-1)+1) is H. Extents of tensors are taken to be positive, as everywhere in
// shape inference. Left out: distributing products over sums, and sums of more than two unlike symbols.
#include "ir/dim.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <string_view>

namespace slipway {
namespace {

// Expressions beyond this length become anonymous: a hostile model must not make names grow without end.
constexpr size_t kMaxSymbolLength = 120;

Dim Expression(const Dim& a, char op, const Dim& b) {
  if ((!a.IsKnown() && !a.IsNamed()) || (!b.IsKnown() && !b.IsNamed())) return {};
  std::string text = "(" + a.ToString() + op + b.ToString() + ")";
  if (text.size() > kMaxSymbolLength) return {};
  return Dim::Symbol(std::move(text));
}

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Dim Operand(std::string_view text) {
  const auto number = ParseNumber(text);
  return number ? Dim(*number) : Dim::Symbol(std::string(text));
}

// "(left op right)" taken apart again.
struct Binary {
  std::string_view left;
  char op;
  std::string_view right;
};

// nullopt for a plain name, and for names longer than any that Expression makes.
std::optional<Binary> TakeApart(std::string_view text) {
  if (text.size() > kMaxSymbolLength || text.size() < 5 || text.front() != '(' || text.back() != ')')
    return std::nullopt;
  int depth = 0;
  std::optional<Binary> found;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (depth == 0 && i + 1 < text.size()) return std::nullopt;  // "(a)*(b)"
    const bool is_operator = std::string_view("+-*/").find(text[i]) != std::string_view::npos;
    if (depth != 1 || !is_operator || i < 2 || i + 2 >= text.size()) continue;
    if (found) return std::nullopt;  // a name of the source's own that only looks like an expression
    found = Binary{text.substr(1, i - 1), text[i], text.substr(i + 1, text.size() - i - 2)};
    if (text[i + 1] == '-') ++i;  // the sign of a number
  }
  return depth == 0 ? found : std::nullopt;
}

// coefficient * factors[0] * factors[1] * ...
struct Product {
  int64_t coefficient = 1;
  std::vector<std::string> factors;  // sorted

  bool Scale(int64_t by) { return !__builtin_mul_overflow(coefficient, by, &coefficient); }
};

// nullopt: the coefficient overflows. REQUIRES: dim is known or named.
std::optional<Product> ToProduct(const Dim& dim) {
  Product product;
  std::vector<Dim> pending = {dim};
  while (!pending.empty()) {
    const Dim each = std::move(pending.back());
    pending.pop_back();
    if (each.IsKnown()) {
      if (!product.Scale(each.value())) return std::nullopt;
      continue;
    }
    const auto parts = TakeApart(each.symbol());
    if (parts && parts->op == '*') {
      pending.push_back(Operand(parts->left));
      pending.push_back(Operand(parts->right));
    } else {
      product.factors.push_back(each.symbol());
    }
  }
  std::sort(product.factors.begin(), product.factors.end());
  return product;
}

Dim ToDim(const Product& product) {
  if (product.coefficient == 0 || product.factors.empty()) return product.coefficient;
  Dim dim = Dim::Symbol(product.factors[0]);
  for (size_t i = 1; i < product.factors.size(); ++i) {
    dim = Expression(dim, '*', Dim::Symbol(product.factors[i]));
  }
  return product.coefficient == 1 ? dim : Expression(dim, '*', product.coefficient);
}

// Divides both by what they share; what is left is as large, for a floor changes only with the ratio.
void Cancel(Product& a, Product& b) {
  for (size_t i = a.factors.size(); i-- > 0;) {
    const auto found = std::find(b.factors.begin(), b.factors.end(), a.factors[i]);
    if (found == b.factors.end()) continue;
    b.factors.erase(found);
    a.factors.erase(a.factors.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (a.coefficient == INT64_MIN || b.coefficient == INT64_MIN) return;
  const int64_t shared = std::gcd(a.coefficient, b.coefficient);
  if (shared <= 1) return;
  a.coefficient /= shared;
  b.coefficient /= shared;
}

// base + offset
struct Sum {
  Dim base = 0;
  int64_t offset = 0;
};

Sum ToSum(const Dim& dim) {
  if (dim.IsKnown()) return {0, dim.value()};
  const auto parts = TakeApart(dim.symbol());
  if (!parts || (parts->op != '+' && parts->op != '-')) return {dim, 0};
  const auto offset = ParseNumber(parts->right);
  if (!offset || *offset == INT64_MIN) return {dim, 0};
  return {Operand(parts->left), parts->op == '+' ? *offset : -*offset};
}

// a + sign * b without offsets: multiples of the same thing add up.
Dim AddBases(const Dim& a, char op, const Dim& b) {
  if (b.IsKnown() && b.value() == 0) return a;
  if (op == '+' && a.IsKnown() && a.value() == 0) return b;
  auto left = ToProduct(a);
  const auto right = ToProduct(b);
  if (!left || !right || left->factors != right->factors) return Expression(a, op, b);
  const bool overflows =
      op == '+' ? __builtin_add_overflow(left->coefficient, right->coefficient, &left->coefficient)
                : __builtin_sub_overflow(left->coefficient, right->coefficient, &left->coefficient);
  return overflows ? Dim() : ToDim(*left);
}

Dim AddSums(const Dim& a, char op, const Dim& b) {
  if ((!a.IsKnown() && !a.IsNamed()) || (!b.IsKnown() && !b.IsNamed())) return {};
  const Sum left = ToSum(a);
  const Sum right = ToSum(b);
  int64_t offset = 0;
  const bool overflows = op == '+' ? __builtin_add_overflow(left.offset, right.offset, &offset)
                                   : __builtin_sub_overflow(left.offset, right.offset, &offset);
  if (overflows || offset == INT64_MIN) return {};
  const Dim base = AddBases(left.base, op, right.base);
  if (base.IsKnown()) return __builtin_add_overflow(base.value(), offset, &offset) ? Dim() : Dim(offset);
  if (offset == 0) return base;
  return offset > 0 ? Expression(base, '+', offset) : Expression(base, '-', -offset);
}

// (x * 4 + 3) / 2 = x * 2 + 1; nullopt where the multiple does not divide.
std::optional<Dim> DivideSum(const Sum& sum, int64_t divisor) {
  if (sum.offset == 0 || sum.base.IsKnown()) return std::nullopt;
  auto base = ToProduct(sum.base);
  if (!base || base->coefficient % divisor != 0) return std::nullopt;
  base->coefficient /= divisor;
  return ToDim(*base) + FloorDiv(sum.offset, divisor);
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
  if (a.IsKnown() && a.value() == 0) return b;
  if (b.IsKnown() && b.value() == 0) return a;
  return AddSums(a, '+', b);
}

Dim operator-(const Dim& a, const Dim& b) {
  if (b.IsKnown() && b.value() == 0) return a;
  return AddSums(a, '-', b);
}

Dim operator*(const Dim& a, const Dim& b) {
  if ((a.IsKnown() && a.value() == 0) || (b.IsKnown() && b.value() == 0)) return 0;
  if ((!a.IsKnown() && !a.IsNamed()) || (!b.IsKnown() && !b.IsNamed())) {
    if (a.IsKnown() && a.value() == 1) return b;
    return b.IsKnown() && b.value() == 1 ? a : Dim();
  }
  auto left = ToProduct(a);
  auto right = ToProduct(b);
  if (!left || !right || !left->Scale(right->coefficient)) return {};
  left->factors.insert(left->factors.end(), right->factors.begin(), right->factors.end());
  std::sort(left->factors.begin(), left->factors.end());
  return ToDim(*left);
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
  if ((!a.IsKnown() && !a.IsNamed()) || (!b.IsKnown() && !b.IsNamed())) return {};
  if (b.IsKnown() && b.value() > 0) {
    if (const auto whole = DivideSum(ToSum(a), b.value())) return *whole;
  }
  auto over = ToProduct(a);
  auto under = ToProduct(b);
  if (!over || !under) return {};
  Cancel(*over, *under);
  const Dim divisor = ToDim(*under);
  if (over->factors.empty() && divisor.IsKnown()) return FloorDiv(over->coefficient, divisor);
  if (divisor.IsKnown() && divisor.value() == 1) return ToDim(*over);
  // x / 2 / 3 = x / 6
  if (over->coefficient == 1 && over->factors.size() == 1 && divisor.IsKnown() && divisor.value() > 0) {
    const auto parts = TakeApart(over->factors[0]);
    const auto inner = parts && parts->op == '/' ? ParseNumber(parts->right) : std::nullopt;
    if (inner && *inner > 0) return FloorDiv(Operand(parts->left), divisor * *inner);
  }
  return Expression(ToDim(*over), '/', divisor);
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

Dims WithUnknownsAsOne(const DimList& dims) {
  Dims known;
  known.reserve(dims.size());
  for (const Dim& dim : dims) known.push_back(dim.IsKnown() ? dim.value() : 1);
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
