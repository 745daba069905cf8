// Layer normalisation (Ba et al., 2016) and RMS normalisation (Zhang and Sennrich, 2019) spelt out, over
// trailing axes. With m = ReduceMean(x), c = x - m, v = ReduceMean(c^2):
//   c / Sqrt(v + e) * scale + bias
//     =>   LayerNormalization(x, scale, bias, epsilon = e)
//   x * k + (bias - m * k), k = Rsqrt(v + e) * scale
//     =>   the same (TensorFlow, Keras)
//   x / Sqrt(ReduceMean(x^2) + e) * scale
//     =>   RMSNormalization(x, scale, epsilon = e)
//
// c^2 is a product, a power, a Square or a SquaredDifference; the root divides, or multiplies as Rsqrt or as
// a Reciprocal. scale and bias are constants that vary along the normalised axes alone; either may be
// missing. Left alone: reductions over other axes, results in between that others read, numbers that are not
// floats.
#include <algorithm>

#include "base/scalar.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

struct Pattern {
  ValueId x = kNoValue;
  ValueId mean = kNoValue;  // none: of zero, RMS
  int axis = 0;             // the first normalised one
  double epsilon = 0;
  ValueId scale = kNoValue, bias = kNoValue;
  Node* root = nullptr;      // gives the result
  std::vector<Node*> nodes;  // all, the root among them
};

class Matcher {
 public:
  explicit Matcher(GraphView& view) : view_(view) {}

  // `root`: Sqrt, Rsqrt or a Pow that is either.
  std::optional<Pattern> Match(Node& root) {
    const auto power = PowerOf(root);
    if (!power || !ReadVariance(root.inputs[0])) return std::nullopt;
    Add(root);
    if (!(*power > 0 ? MatchDivision(root.outputs[0]) : MatchFactor(root.outputs[0]))) return std::nullopt;
    if (found_.scale == kNoValue) TakeScale();
    if (found_.bias == kNoValue && found_.mean != kNoValue) TakeBias();
    return IsSound() ? std::optional(found_) : std::nullopt;
  }

 private:
  void Add(Node& node) { found_.nodes.push_back(&node); }

  // 0.5, -0.5
  std::optional<double> PowerOf(const Node& node) {
    if (IsPlain(&node, "Sqrt")) return 0.5;
    if (IsPlain(&node, "Rsqrt")) return -0.5;
    if (!IsPlain(&node, "Pow")) return std::nullopt;
    const auto exponent = view_.Scalar(node.inputs[1]);
    return exponent && (*exponent == 0.5 || *exponent == -0.5) ? exponent : std::nullopt;
  }

  // The first of the trailing axes that a ReduceMean with keepdims goes over.
  std::optional<int> TrailingAxis(const Node* node) {
    if (!IsPlain(node, "ReduceMean")) return std::nullopt;
    const auto axes = KeptAxes(view_, node);
    if (!axes || axes->empty()) return std::nullopt;
    const int rank = view_.graph().value(node->inputs[0]).type.rank();
    for (size_t i = 0; i < axes->size(); ++i) {
      if ((*axes)[i] != rank - static_cast<int64_t>(axes->size() - i)) return std::nullopt;
    }
    return static_cast<int>((*axes)[0]);
  }

  // mean(square) + epsilon
  bool ReadVariance(ValueId value) {
    Node* sum = view_.Producer(value);
    if (!IsPlain(sum, "Add") || !view_.IsOnlyReadOnce(value)) return false;
    const size_t side = view_.Scalar(sum->inputs[1]) ? 1 : 0;
    const auto epsilon = view_.Scalar(sum->inputs[side]);
    Node* reduce = view_.Producer(sum->inputs[1 - side]);
    const auto axis = TrailingAxis(reduce);
    if (!epsilon || !axis || !view_.IsOnlyReadOnce(sum->inputs[1 - side])) return false;
    found_.epsilon = *epsilon;
    found_.axis = *axis;
    Add(*sum);
    Add(*reduce);
    return ReadSquare(reduce->inputs[0]);
  }

  bool ReadSquare(ValueId value) {
    Node* node = view_.Producer(value);
    if (node == nullptr || !view_.IsOnlyReadOnce(value)) return false;
    Add(*node);
    if (IsPlain(node, "SquaredDifference"))
      return ReadCenter(node->inputs[0], node->inputs[1]) || ReadCenter(node->inputs[1], node->inputs[0]);
    const ValueId squared = SquaredBy(view_, node);
    if (squared == kNoValue) return false;
    Node* difference = view_.Producer(squared);
    if (IsPlain(difference, "Sub") && ReadCenter(difference->inputs[0], difference->inputs[1])) {
      Add(*difference);
      return true;
    }
    found_.x = squared;
    return true;
  }

  // x - m, where m is x's mean.
  bool ReadCenter(ValueId x, ValueId mean) {
    Node* reduce = view_.Producer(mean);
    const auto axis = TrailingAxis(reduce);
    if (!axis || *axis != found_.axis || reduce->inputs[0] != x) return false;
    found_.x = x;
    found_.mean = mean;
    Add(*reduce);
    return true;
  }

  // x - m, or x where the mean is not taken off.
  bool IsNumerator(ValueId value) {
    if (found_.mean == kNoValue) return value == found_.x;
    Node* node = view_.Producer(value);
    if (!IsPlain(node, "Sub") || node->inputs[0] != found_.x) return false;
    if (node->inputs[1] != found_.mean && !IsMeanOfX(node->inputs[1])) return false;
    Add(*node);
    return true;
  }

  // Another node that computes the same.
  bool IsMeanOfX(ValueId value) {
    Node* node = view_.Producer(value);
    const auto axis = TrailingAxis(node);
    if (!axis || *axis != found_.axis || node->inputs[0] != found_.x) return false;
    Add(*node);
    return true;
  }

  // numerator / deviation; or a factor that is its reciprocal
  bool MatchDivision(ValueId deviation) {
    Node* node = view_.OnlyReader(deviation);
    if (node == nullptr) return false;
    if (IsPlain(node, "Reciprocal")) {
      Add(*node);
      return MatchFactor(node->outputs[0]);
    }
    if (!IsPlain(node, "Div") || node->inputs[1] != deviation) return false;
    Add(*node);
    if (view_.Scalar(node->inputs[0]) == 1.0) return MatchFactor(node->outputs[0]);
    found_.root = node;
    return IsNumerator(node->inputs[0]);
  }

  // numerator * factor, numerator * (factor * scale), or TensorFlow's two products
  bool MatchFactor(ValueId factor) {
    Node* node = view_.OnlyReader(factor);
    if (!IsPlain(node, "Mul")) return found_.scale == kNoValue && MatchTwoProducts(factor);
    const ValueId other = node->inputs[node->inputs[0] == factor ? 1 : 0];
    Add(*node);
    if (IsNumerator(other)) {
      found_.root = node;
      return true;
    }
    if (view_.Constant(other) == nullptr || found_.scale != kNoValue) return false;
    found_.scale = other;
    return MatchTwoProducts(node->outputs[0]) || MatchFactor(node->outputs[0]);
  }

  // x * k + (bias - m * k); x * k - m * k
  bool MatchTwoProducts(ValueId factor) {
    if (found_.mean == kNoValue || view_.UseCount(factor) != 2) return false;
    Node* of_x = ProductOf(found_.x, factor);
    Node* of_mean = ProductOf(found_.mean, factor);
    if (of_x == nullptr || of_mean == nullptr) return false;
    Node* end = view_.OnlyReader(of_x->outputs[0]);
    Node* rest = view_.OnlyReader(of_mean->outputs[0]);
    if (end == nullptr || rest == nullptr) return false;
    for (Node* node : {of_x, of_mean, rest, end}) Add(*node);
    found_.root = end;
    if (end == rest) return IsPlain(end, "Sub") && end->inputs[0] == of_x->outputs[0];
    if (!IsPlain(rest, "Sub") || rest->inputs[1] != of_mean->outputs[0] || !IsPlain(end, "Add")) return false;
    if (view_.OnlyReader(rest->outputs[0]) != end || view_.Constant(rest->inputs[0]) == nullptr) return false;
    found_.bias = rest->inputs[0];
    return true;
  }

  Node* ProductOf(ValueId a, ValueId b) {
    for (Node* node : view_.Readers(b)) {
      const bool is_match = IsPlain(node, "Mul") && ((node->inputs[0] == a && node->inputs[1] == b) ||
                                                     (node->inputs[0] == b && node->inputs[1] == a));
      if (is_match) return node;
    }
    return nullptr;
  }

  void TakeScale() { TakeConstant("Mul", found_.scale); }
  void TakeBias() { TakeConstant("Add", found_.bias); }

  // The root's reader joins in, if it is op(root, constant along the normalised axes).
  void TakeConstant(const char* op, ValueId& constant) {
    Node* node = view_.OnlyReader(found_.root->outputs[0]);
    if (!IsPlain(node, op)) return;
    const ValueId other = node->inputs[node->inputs[0] == found_.root->outputs[0] ? 1 : 0];
    if (!IsAlongAxes(other)) return;
    constant = other;
    Add(*node);
    found_.root = node;
  }

  // A constant that is 1 or x's extent along every normalised axis, and has no other.
  bool IsAlongAxes(ValueId id) {
    const Tensor* tensor = view_.Constant(id);
    const Type& x = view_.graph().value(found_.x).type;
    if (tensor == nullptr || tensor->dtype() != x.dtype || tensor->rank() > x.rank()) return false;
    for (int i = 1; i <= tensor->rank(); ++i) {
      const int axis = x.rank() - i;
      const Dim& extent = (*x.shape)[static_cast<size_t>(axis)];
      const bool is_own = axis >= found_.axis && extent.IsKnown() && extent.value() == tensor->dim(-i);
      if (tensor->dim(-i) != 1 && !is_own) return false;
    }
    return true;
  }

  bool IsSound() {
    const Type& x = view_.graph().value(found_.x).type;
    const Type& y = view_.graph().value(found_.root->outputs[0]).type;
    if (!IsFloat(x.dtype) || x.dtype != y.dtype || !x.HasRank() || !y.HasRank() || x.rank() != y.rank())
      return false;
    for (int i = found_.axis; i < x.rank(); ++i) {
      if (!(*x.shape)[static_cast<size_t>(i)].IsKnown()) return false;
    }
    return (found_.scale == kNoValue || IsAlongAxes(found_.scale)) &&
           (found_.bias == kNoValue || IsAlongAxes(found_.bias));
  }

  GraphView& view_;
  Pattern found_;
};

ValueId Ones(Graph& graph, const Pattern& found) {
  const Type& x = graph.value(found.x).type;
  const DimList extents(x.shape->begin() + found.axis, x.shape->end());
  Tensor ones(x.dtype, KnownDims(extents));
  for (int64_t i = 0; i < ones.count(); ++i) StoreReal(ones.dtype(), ones.data(), i, 1);
  return graph.AddConstant(found.root->name + "/scale", std::move(ones));
}

Status Replace(GraphView& view, Pattern found) {
  std::sort(found.nodes.begin(), found.nodes.end());
  for (const Node* node : found.nodes) {
    if (node != found.root) MergeSources(*found.root, *node);
  }
  const bool is_centered = found.mean != kNoValue;
  std::vector<ValueId> inputs = {found.x, found.scale};
  if (found.scale == kNoValue) inputs[1] = Ones(view.graph(), found);
  if (found.bias != kNoValue) inputs.push_back(found.bias);
  const Attrs attrs = {{"axis", int64_t{found.axis}}, {"epsilon", static_cast<float>(found.epsilon)}};
  SLIPWAY_RETURN_IF_ERROR(
      Become(*found.root, is_centered ? "LayerNormalization" : "RMSNormalization", std::move(inputs), attrs));
  view.Update(*found.root);
  view.DropUnread(std::move(found.nodes));
  return Status::Ok();
}

}  // namespace

Result<bool> FuseLayerNorm(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) {
    if (node.op != "Sqrt" && node.op != "Rsqrt" && node.op != "Pow") continue;
    if (auto found = Matcher(view).Match(node)) SLIPWAY_RETURN_IF_ERROR(Replace(view, std::move(*found)));
  }
  return view.Finish();
}

}  // namespace slipway
