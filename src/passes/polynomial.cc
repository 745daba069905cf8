#include "passes/polynomial.h"

#include <algorithm>
#include <cmath>

namespace slipway {
namespace {

constexpr int kMaxDegree = 4;
constexpr int kMaxDepth = 12;

bool IsFormulaOp(const Node& node) {
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Neg", "Square", "Pow"}) {
    if (node.op == op) return true;
  }
  return false;
}

std::optional<Polynomial> PowerOf(const Polynomial& base, double exponent) {
  const int count = exponent >= 0 && exponent <= kMaxDegree ? static_cast<int>(exponent) : -1;
  if (count < 0 || static_cast<double>(count) != exponent) return std::nullopt;
  Polynomial result = Polynomial::Constant(1);
  for (int i = 0; i < count; ++i) result = result * base;
  return result;
}

std::optional<Polynomial> Combine(const std::string& op, const Polynomial& a, const Polynomial& b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a + b * Polynomial::Constant(-1);
  if (op == "Mul") return a * b;
  const auto number = b.AsConstant();
  if (!number) return std::nullopt;
  if (op == "Pow") return PowerOf(a, *number);
  if (op == "Div" && *number != 0) return a * Polynomial::Constant(1 / *number);
  return std::nullopt;
}

}  // namespace

Polynomial Polynomial::Constant(double value) { return Term(value, 0); }

Polynomial Polynomial::Term(double factor, int power_x, int power_t) {
  Polynomial result;
  if (factor != 0) result.terms_[{power_x, power_t}] = factor;
  return result;
}

double Polynomial::Factor(int power_x, int power_t) const {
  const auto found = terms_.find({power_x, power_t});
  return found == terms_.end() ? 0 : found->second;
}

std::optional<double> Polynomial::AsConstant() const {
  if (Degree() > 0) return std::nullopt;
  return Factor(0);
}

int Polynomial::Degree() const {
  int degree = 0;
  for (const auto& [powers, factor] : terms_) degree = std::max(degree, powers.first + powers.second);
  return degree;
}

bool Polynomial::IsNear(const Polynomial& other, double relative) const {
  const auto covers = [relative](const Polynomial& a, const Polynomial& b) {
    return std::all_of(a.terms_.begin(), a.terms_.end(), [&](const auto& term) {
      const auto& [powers, factor] = term;
      return std::abs(factor - b.Factor(powers.first, powers.second)) <= relative * std::abs(factor);
    });
  };
  return covers(*this, other) && covers(other, *this);
}

Polynomial Polynomial::operator+(const Polynomial& other) const {
  Polynomial result = *this;
  for (const auto& [powers, factor] : other.terms_) {
    if ((result.terms_[powers] += factor) == 0) result.terms_.erase(powers);
  }
  return result;
}

Polynomial Polynomial::operator*(const Polynomial& other) const {
  Polynomial result;
  for (const auto& [a, factor_a] : terms_) {
    for (const auto& [b, factor_b] : other.terms_)
      result = result + Term(factor_a * factor_b, a.first + b.first, a.second + b.second);
  }
  return result;
}

std::optional<Polynomial> PolynomialReader::Read(ValueId value) {
  if (value == variables_.x) return Polynomial::Term(1, 1);
  if (value == variables_.t && value != kNoValue) return Polynomial::Term(1, 0, 1);
  if (const auto number = view_.Scalar(value)) return Polynomial::Constant(*number);
  Node* node = view_.Producer(value);
  if (node == nullptr || (node->attrs.Has("activation") && node->attrs.String("activation") != "none"))
    return std::nullopt;
  return ReadBeforeActivation(*node);
}

std::optional<Polynomial> PolynomialReader::ReadBeforeActivation(Node& node) {
  if (!IsFormulaOp(node) || depth_ >= kMaxDepth || node.inputs.empty()) return std::nullopt;
  ++depth_;
  std::optional<Polynomial> result = Read(node.inputs[0]);
  if (result && node.inputs.size() == 2) {
    const auto second = Read(node.inputs[1]);
    result = second ? Combine(node.op, *result, *second) : std::nullopt;
  } else if (result) {
    result = node.op == "Neg"      ? std::optional(*result * Polynomial::Constant(-1))
             : node.op == "Square" ? PowerOf(*result, 2)
                                   : std::nullopt;
  }
  --depth_;
  if (!result || result->Degree() > kMaxDegree) return std::nullopt;
  nodes_.push_back(&node);
  return result;
}

double ConstantTolerance(DType dtype) {
  constexpr double kHalfSteps = 1e-3;  // f16 has 11 bits
  constexpr double kBfloatSteps = 8e-3;
  if (dtype == DType::kBF16) return kBfloatSteps;
  return dtype == DType::kF16 ? kHalfSteps : 1e-5;
}

std::vector<ValueId> AncestorsInFormula(GraphView& view, ValueId value, int depth) {
  std::vector<ValueId> found = {value};
  size_t begin = 0;
  for (int level = 0; level < depth; ++level) {
    const size_t end = found.size();
    for (; begin < end; ++begin) {
      const Node* node = view.Producer(found[begin]);
      if (node == nullptr || !IsFormulaOp(*node)) continue;
      for (const ValueId id : node->inputs) {
        const bool is_new = std::find(found.begin(), found.end(), id) == found.end();
        if (is_new && id != kNoValue && view.Constant(id) == nullptr) found.push_back(id);
      }
    }
  }
  return found;
}

bool FindRoot(GraphView& view, Node& t, const Polynomial& wanted, int depth, Formula& formula) {
  const Graph& graph = view.graph();
  const Type& x = graph.value(formula.x).type;
  ValueId value = t.outputs[0];
  for (int i = 0; i < depth; ++i) {
    Node* reader = view.OnlyReader(value);
    if (reader == nullptr || reader->outputs.size() != 1) return false;
    value = reader->outputs[0];
    PolynomialReader reading(view, {formula.x, t.outputs[0]});
    const auto polynomial = reading.Read(value);
    if (!polynomial) return false;
    const Type& y = graph.value(value).type;
    if (!polynomial->IsNear(wanted, ConstantTolerance(y.dtype))) continue;
    if (x.dtype != y.dtype || !x.HasRank() || !y.HasRank() || x.rank() != y.rank()) return false;
    formula.root = reader;
    formula.nodes.insert(formula.nodes.end(), reading.nodes().begin(), reading.nodes().end() - 1);
    formula.nodes.push_back(&t);
    return true;
  }
  return false;
}

Status ReplaceFormula(GraphView& view, const Formula& formula, const std::string& op, Attrs attrs) {
  std::vector<Node*> nodes = formula.nodes;
  std::sort(nodes.begin(), nodes.end());
  for (const Node* node : nodes) MergeSources(*formula.root, *node);
  SLIPWAY_RETURN_IF_ERROR(Become(*formula.root, op, {formula.x}, std::move(attrs)));
  view.Update(*formula.root);
  view.DropUnread(std::move(nodes));
  return Status::Ok();
}

}  // namespace slipway
