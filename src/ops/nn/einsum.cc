// Sums of products under Einstein's convention: an equation such as "bij,bjk->bik" names every axis of every
// operand; axes whose name is missing on the right are summed over.
//
// Source: ONNX Einsum-12, numpy.einsum. An axis of extent 1 repeats against any other.
#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

// Names of axes as small numbers: letters, then the axes of "...", counted from their right end.
constexpr int kFirstEllipsis = 128;
constexpr int kMaxRank = 64;
constexpr int kNumLabels = kFirstEllipsis + kMaxRank;
using Labels = std::vector<int>;

struct Equation {
  std::vector<Labels> operands;
  Labels result;
};

struct Term {
  std::string_view text;
  int rank = 0;  // axes of the operand
};

Status Fault(std::string what) { return Status(Code::kInvalidModel, std::move(what)); }

// The names of a term; `num_dotted` axes stand for "...".
Result<Labels> LabelsOf(std::string_view text, int num_dotted) {
  Labels labels;
  bool has_dots = false;
  while (!text.empty()) {
    if (text.starts_with("...")) {
      if (has_dots) return Fault("'...' stands twice in a term");
      has_dots = true;
      for (int k = num_dotted; k-- > 0;) labels.push_back(kFirstEllipsis + k);
      text.remove_prefix(3);
      continue;
    }
    if (std::isalpha(static_cast<unsigned char>(text[0])) == 0)
      return Fault("'" + std::string(text) + "' is neither letters nor '...'");
    labels.push_back(text[0]);
    text.remove_prefix(1);
  }
  return labels;
}

bool HasDots(std::string_view text) { return text.find("...") != std::string_view::npos; }

int NumDotted(const Term& term) {
  return HasDots(term.text) ? term.rank - (static_cast<int>(term.text.size()) - 3) : 0;
}

// Without "->": the axes of "...", then every letter that stands once, in alphabetical order.
Labels ImpliedResult(const std::vector<Labels>& operands, int num_dotted) {
  std::array<int, kNumLabels> uses{};
  for (const Labels& labels : operands) {
    for (int label : labels) ++uses[static_cast<size_t>(label)];
  }
  Labels result;
  for (int k = num_dotted; k-- > 0;) result.push_back(kFirstEllipsis + k);
  for (int letter = 0; letter < kFirstEllipsis; ++letter) {
    if (uses[static_cast<size_t>(letter)] == 1) result.push_back(letter);
  }
  return result;
}

Status CheckResult(const Equation& equation) {
  for (size_t i = 0; i < equation.result.size(); ++i) {
    const int label = equation.result[i];
    const auto begin = equation.result.begin();
    const std::string name = label < kFirstEllipsis ? std::string(1, static_cast<char>(label)) : "...";
    if (std::find(begin, begin + static_cast<std::ptrdiff_t>(i), label) !=
        begin + static_cast<std::ptrdiff_t>(i))
      return Fault("'" + name + "' stands twice in the result");
    const bool is_known = std::any_of(
        equation.operands.begin(), equation.operands.end(),
        [&](const Labels& labels) { return std::find(labels.begin(), labels.end(), label) != labels.end(); });
    if (!is_known) return Fault("'" + name + "' of the result is no operand's");
  }
  return Status::Ok();
}

// ranks: of the operands.
Result<Equation> Parse(std::string text, const std::vector<int>& ranks) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const size_t arrow = text.find("->");
  const std::string_view left = std::string_view(text).substr(0, arrow);
  std::vector<Term> terms;
  for (size_t at = 0; at <= left.size();) {
    const size_t comma = std::min(left.find(',', at), left.size());
    terms.push_back({left.substr(at, comma - at), 0});
    at = comma + 1;
  }
  if (terms.size() != ranks.size()) {
    return Fault("it has " + std::to_string(terms.size()) + " terms for " + std::to_string(ranks.size()) +
                 " operands");
  }
  Equation equation;
  int num_dotted = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    terms[i].rank = ranks[i];
    const int dotted = NumDotted(terms[i]);
    if (ranks[i] > kMaxRank || dotted < 0)
      return Fault("operand " + std::to_string(i) + " has rank " + std::to_string(ranks[i]));
    SLIPWAY_ASSIGN_OR_RETURN(Labels labels, LabelsOf(terms[i].text, dotted));
    if (static_cast<int>(labels.size()) != ranks[i]) {
      return Fault("term '" + std::string(terms[i].text) + "' names " + std::to_string(labels.size()) +
                   " axes of operand " + std::to_string(i) + ", which has " + std::to_string(ranks[i]));
    }
    num_dotted = std::max(num_dotted, dotted);
    equation.operands.push_back(std::move(labels));
  }
  if (arrow == std::string::npos) {
    equation.result = ImpliedResult(equation.operands, num_dotted);
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(equation.result, LabelsOf(std::string_view(text).substr(arrow + 2), num_dotted));
  }
  SLIPWAY_RETURN_IF_ERROR(CheckResult(equation));
  return equation;
}

// The extent of every axis name, over all operands.
Result<std::array<Dim, kNumLabels>> Extents(const Equation& equation, const std::vector<DimList>& shapes) {
  std::array<Dim, kNumLabels> extents;
  extents.fill(Dim(1));
  for (size_t i = 0; i < shapes.size(); ++i) {
    for (size_t axis = 0; axis < shapes[i].size(); ++axis) {
      Dim& extent = extents[static_cast<size_t>(equation.operands[i][axis])];
      const Dim& dim = shapes[i][axis];
      if (extent.IsKnown() && extent.value() == 1) extent = dim;
      if (!dim.IsKnown() || dim.value() == 1) continue;
      if (extent.IsKnown() && extent.value() != dim.value()) {
        return Fault("axis " + std::to_string(axis) + " of operand " + std::to_string(i) + " has " +
                     dim.ToString() + " elements, another of that name " + extent.ToString());
      }
      extent = dim;
    }
  }
  return extents;
}

Status Infer(InferContext& context) {
  std::vector<int> ranks;
  std::vector<DimList> shapes;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    if (context.dtype(i) != context.dtype(0)) return context.Error("operands must be of one type");
    if (!context.shape(i)) {
      context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
      return Status::Ok();
    }
    shapes.push_back(*context.shape(i));
    ranks.push_back(static_cast<int>(shapes.back().size()));
  }
  const std::string& text = context.attrs().String("equation");
  const auto equation = Parse(text, ranks);
  if (!equation.ok()) return context.Error("equation '" + text + "': " + equation.status().message());
  const auto extents = Extents(*equation, shapes);
  if (!extents.ok()) return context.Error("equation '" + text + "': " + extents.status().message());
  DimList result;
  for (int label : equation->result) result.push_back((*extents)[static_cast<size_t>(label)]);
  context.SetOutput(0, context.dtype(0), std::move(result));
  return Status::Ok();
}

// An axis of the loop nest and each operand's step along it, 0 where the operand repeats.
struct LoopAxis {
  int64_t extent = 1;
  std::vector<int64_t> steps;
};

LoopAxis AxisOf(int label, const Equation& equation, const RunContext& context) {
  LoopAxis axis{1, std::vector<int64_t>(context.num_inputs(), 0)};
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    const Dims& dims = context.in(i).dims();
    int64_t stride = 1;
    for (size_t k = dims.size(); k-- > 0;) {
      const bool runs_along = equation.operands[i][k] == label && dims[k] != 1;
      if (runs_along) axis.extent = dims[k];
      if (runs_along) axis.steps[i] += stride;
      stride *= dims[k];
    }
  }
  return axis;
}

// Calls visit() for every index of `axes`, `at` moved along by every operand's steps; back where it was
// afterwards.
template <class F>
void ForEachIndex(const std::vector<LoopAxis>& axes, std::vector<int64_t>& at, const F& visit) {
  for (const LoopAxis& axis : axes) {
    if (axis.extent == 0) return;
  }
  std::vector<int64_t> index(axes.size(), 0);
  for (bool is_done = false; !is_done;) {
    visit();
    is_done = true;
    for (size_t k = axes.size(); k-- > 0;) {
      const bool wraps = ++index[k] == axes[k].extent;
      const int64_t by = wraps ? 1 - axes[k].extent : 1;
      for (size_t i = 0; i < at.size(); ++i) at[i] += by * axes[k].steps[i];
      is_done = wraps;
      if (!wraps) break;
      index[k] = 0;
    }
  }
}

void StoreSum(RunContext& context, int64_t place, const std::vector<LoopAxis>& summed,
              std::vector<int64_t>& at) {
  const DType dtype = context.in(0).dtype();
  double real = 0;
  uint64_t whole = 0;  // wraps around
  ForEachIndex(summed, at, [&] {
    double real_product = 1;
    uint64_t product = 1;
    for (size_t i = 0; i < at.size(); ++i) {
      const void* data = context.in(i).data();
      if (IsFloat(dtype)) {
        real_product *= LoadReal(dtype, data, at[i]);
      } else {
        product *= static_cast<uint64_t>(LoadInt(dtype, data, at[i]));
      }
    }
    real += real_product;
    whole += product;
  });
  if (IsFloat(dtype)) return StoreReal(dtype, context.out(0).data(), place, real);
  StoreInt(dtype, context.out(0).data(), place, static_cast<int64_t>(whole));
}

Status Reference(RunContext& context) {
  std::vector<int> ranks;
  for (size_t i = 0; i < context.num_inputs(); ++i) ranks.push_back(context.in(i).rank());
  SLIPWAY_ASSIGN_OR_RETURN(const Equation equation, Parse(context.attrs().String("equation"), ranks));
  std::vector<LoopAxis> kept;
  for (int label : equation.result) kept.push_back(AxisOf(label, equation, context));
  Labels rest;
  for (const Labels& labels : equation.operands) rest.insert(rest.end(), labels.begin(), labels.end());
  std::sort(rest.begin(), rest.end());
  rest.erase(std::unique(rest.begin(), rest.end()), rest.end());
  std::vector<LoopAxis> summed;
  for (int label : rest) {
    const bool is_kept =
        std::find(equation.result.begin(), equation.result.end(), label) != equation.result.end();
    if (!is_kept) summed.push_back(AxisOf(label, equation, context));
  }
  std::vector<int64_t> at(context.num_inputs(), 0);
  int64_t place = 0;
  ForEachIndex(kept, at, [&] { StoreSum(context, place++, summed, at); });
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  const auto with = [](const char* label, const char* equation, std::vector<Dims> shapes) {
    TestCase test{label, {}, {{"equation", std::string(equation)}}};
    for (Dims& dims : shapes) test.inputs.push_back({.dims = std::move(dims)});
    return test;
  };
  return {with("product", "ij,jk->ik", {{3, 5}, {5, 7}}),
          with("batched", "...ij,...jk->...ik", {{2, 3, 5}, {2, 5, 4}}),
          with("implied", "ba", {{3, 5}}),
          with("diagonal", "...ii->...i", {{2, 4, 4}}),
          with("all", "ij->", {{3, 5}}),
          with("three", "a,ab,b->", {{3}, {3, 4}, {4}})};
}

}  // namespace

OpDef MakeEinsum() {
  OpDef op;
  op.name = "Einsum";
  op.group = "nn";
  op.summary = "Sum of products over named axes, Einstein's convention.";
  op.formula = "\"ij,jk->ik\": y[i,k] = sum over j of a[i,j] * b[j,k]";
  op.inputs = {{"x", kNumbers, "of one type; the equation names their axes", Arity::kOneOrMore}};
  op.outputs = {{"y", kNumbers, "the axes on the equation's right"}};
  op.attrs = {
      Required(StringAttr("equation", "", {},
                          "terms of letters and '...', separated by ','; behind '->' the result, else "
                          "the letters that stand once"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "Einsum", 12}, {Format::kTensorflow, "Einsum"}};
  return op;
}

}  // namespace slipway
