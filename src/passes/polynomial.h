// What a chain of sums and products computes, as a polynomial in one or two of its values.
//
// x * 0.5 * (1 + t), 0.5 * x + 0.5 * t * x and x * (t + 1) / 2 are one polynomial: a pass that looks for a
// formula finds all its spellings.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "passes/rewrite.h"

namespace slipway {

class Polynomial {
 public:
  static Polynomial Constant(double value);
  // factor * x^power_x * t^power_t
  static Polynomial Term(double factor, int power_x, int power_t = 0);

  // Zero if there is no such term.
  double Factor(int power_x, int power_t = 0) const;
  // nullopt: not a constant.
  std::optional<double> AsConstant() const;
  int Degree() const;
  // Every factor agrees within `relative`.
  bool IsNear(const Polynomial& other, double relative) const;

  Polynomial operator+(const Polynomial& other) const;
  Polynomial operator*(const Polynomial& other) const;

 private:
  std::map<std::pair<int, int>, double> terms_;  // by powers of x and t
};

// The values that stand for the variables; t may be none.
struct Variables {
  ValueId x = kNoValue;
  ValueId t = kNoValue;
};

// Reads values as polynomials; remembers the nodes it went through.
class PolynomialReader {
 public:
  PolynomialReader(GraphView& view, Variables variables) : view_(view), variables_(variables) {}

  // Add, Sub, Mul, Div by a constant, Neg, Square, Pow by a small integer, and constants of one element.
  // nullopt: anything else, a fused activation, a degree above 4.
  std::optional<Polynomial> Read(ValueId value);
  // The node's result, without the activation that is fused into it.
  std::optional<Polynomial> ReadBeforeActivation(Node& node);

  const std::vector<Node*>& nodes() const { return nodes_; }

 private:
  GraphView& view_;
  Variables variables_;
  std::vector<Node*> nodes_;
  int depth_ = 0;
};

// How far constants of a formula may be off in a model whose numbers are `dtype`.
double ConstantTolerance(DType dtype);

// Values that `value` is computed from by at most `depth` such nodes, itself first: where a pass looks for x.
std::vector<ValueId> AncestorsInFormula(GraphView& view, ValueId value, int depth);

// A formula in x and t found in a graph: the node that gives it, and all others that it needs.
struct Formula {
  ValueId x = kNoValue;
  Node* root = nullptr;
  std::vector<Node*> nodes;  // without the root
};

// Sets `root` to the only reader of t's result, or the only reader of that ..., that computes `wanted`, and
// adds the nodes on the way, t's own among them. False if there is none within `depth` nodes, or if the
// result's dtype or rank is not x's.
bool FindRoot(GraphView& view, Node& t, const Polynomial& wanted, int depth, Formula& formula);

// The root becomes op(x) and stands for all the nodes; those that nothing else reads go.
Status ReplaceFormula(GraphView& view, const Formula& formula, const std::string& op, Attrs attrs);

}  // namespace slipway
