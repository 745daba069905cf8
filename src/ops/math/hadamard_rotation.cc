// Rows in pieces, each times the orthonormal Hadamard matrix: what spreads outliers before a product is
// quantised (LiteRT's aeq.hadamard_rotation).
//
// The matrix in Sylvester's order, by the fast Walsh-Hadamard transform. LiteRT's kernel does not read the
// signs (`random_binary_vector`) that files carry beside it.
#include <bit>
#include <cmath>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const int64_t size = context.attrs().Int("hadamard_size");
  if (size < 1 || !std::has_single_bit(static_cast<uint64_t>(size)))
    return context.Error("hadamard_size is " + std::to_string(size) + "; it must be a power of two");
  const auto& x = context.shape(0);
  if (x && (x->empty() || (x->back().IsKnown() && x->back().value() % size != 0)))
    return context.Error("x is " + ToString(*x) + "; its rows must be whole pieces of " +
                         std::to_string(size));
  return InferSameAsInput(context);
}

void Rotate(std::span<float> piece) {
  std::vector<double> values(piece.begin(), piece.end());
  for (size_t half = 1; half < values.size(); half *= 2) {
    for (size_t i = 0; i < values.size(); ++i) {
      if ((i & half) != 0) continue;
      const double a = values[i];
      const double b = values[i + half];
      values[i] = a + b;
      values[i + half] = a - b;
    }
  }
  const double norm = std::sqrt(static_cast<double>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) piece[i] = static_cast<float>(values[i] / norm);
}

Status Reference(RunContext& context) {
  const std::span<const float> x = context.in(0).values<float>();
  const std::span<float> y = context.out(0).values<float>();
  const auto size = static_cast<size_t>(context.attrs().Int("hadamard_size"));
  std::copy(x.begin(), x.end(), y.begin());
  for (size_t i = 0; i + size <= y.size(); i += size) Rotate(y.subspan(i, size));
  return Status::Ok();
}

}  // namespace

OpDef MakeHadamardRotation() {
  OpDef op;
  op.name = "HadamardRotation";
  op.group = "math";
  op.summary = "Pieces of the last axis, each times the orthonormal Hadamard matrix.";
  op.formula = "y = x H / sqrt(n); H(2n) = [[H(n), H(n)], [H(n), -H(n)]], H(1) = 1";
  op.inputs = {{"x", {DType::kF32}, "[...,pieces*hadamard_size]"}};
  op.outputs = {{"y", {DType::kF32}, "the shape of x"}};
  op.attrs = {Required(IntAttr("hadamard_size", 1, "n: a power of two"))};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return context.CountOfInput(0) *
           (1 + std::log2(static_cast<double>(context.attrs().Int("hadamard_size"))));
  };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (int64_t size : {1, 4, 32})
      cases.push_back({"of" + std::to_string(size), {{.dims = {2, 3, 64}}}, {{"hadamard_size", size}}});
    return cases;
  };
  op.foreign = {{Format::kTflite, "aeq.hadamard_rotation"}};
  return op;
}

}  // namespace slipway
