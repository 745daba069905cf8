// TensorFlow's fused GRU cell: one step, every gate a result.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/nn/reals.h"
#include "ops/rnn/block_cell.h"
#include "ops/rnn/gate_function.h"
#include "ops/rnn/operand_shape.h"
#include "ops/rnn/row_flops.h"
#include "ops/run.h"

namespace slipway {
namespace {

enum Operand : size_t { kX = 0, kH, kGateWeights, kCandidateWeights, kGateBias, kCandidateBias };

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(kX);
  const auto& x = context.shape(kX);
  const auto& h = context.shape(kH);
  const bool has_ranks = x && h && x->size() == 2 && h->size() == 2;
  if (x && h && !has_ranks)
    return context.Error("x " + ToString(*x) + " and h_prev " + ToString(*h) + " must be matrices");
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    if (context.HasOutput(i))
      context.SetOutput(i, has_ranks ? Type::Of(dtype, *h) : Type::OfUnknownShape(dtype));
  }
  if (!has_ranks) return Status::Ok();
  const Dim cells = (*h)[1];
  const Dim rows = (*x)[1] + cells;
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kH, {(*x)[0], cells}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kGateWeights, {rows, Dim(2) * cells}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kCandidateWeights, {rows, cells}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kGateBias, {Dim(2) * cells}));
  return CheckOperandShape(context, kCandidateBias, {cells});
}

Status Reference(RunContext& context) {
  const auto inputs = static_cast<size_t>(context.in(kX).dim(1));
  const auto cells = static_cast<size_t>(context.in(kH).dim(1));
  std::vector<std::vector<double>> operands;
  for (size_t i = 0; i <= kCandidateBias; ++i) operands.push_back(Reals(context.in(i)));
  for (size_t b = 0; b < static_cast<size_t>(context.in(kX).dim(0)); ++b) {
    const auto x = std::span(operands[kX]).subspan(b * inputs, inputs);
    const auto h = std::span(operands[kH]).subspan(b * cells, cells);
    std::vector<double> gates = Affine(x, h, operands[kGateWeights], operands[kGateBias]);
    for (double& gate : gates) gate = Sigmoid(gate);
    std::vector<double> reset(h.begin(), h.end());
    for (size_t i = 0; i < cells; ++i) reset[i] *= gates[i];
    const std::vector<double> candidate =
        Affine(x, reset, operands[kCandidateWeights], operands[kCandidateBias]);
    for (size_t i = 0; i < cells; ++i) {
      const double update = gates[cells + i];
      const double c = std::tanh(candidate[i]);
      const double results[] = {gates[i], update, c, (1 - update) * c + update * h[i]};
      for (size_t r = 0; r < context.num_outputs(); ++r) {
        if (!context.HasOutput(r)) continue;
        Tensor& y = context.out(r);
        StoreReal(y.dtype(), y.data(), static_cast<int64_t>(b * cells + i), results[r]);
      }
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeGRUBlockCell() {
  OpDef op;
  op.name = "GRUBlockCell";
  op.group = "rnn";
  op.summary = "One step of gated recurrent units that gives every gate, as TensorFlow's fused cell does.";
  op.formula = "r, u = sigmoid((x, h) w_ru + b_ru); c = tanh((x, r h) w_c + b_c); h' = (1 - u) c + u h";
  op.inputs = {{"x", kFloats, "[batch,inputs]"},
               {"h_prev", kFloats, "[batch,cells]"},
               {"w_ru", kFloats, "[inputs+cells,2*cells]"},
               {"w_c", kFloats, "[inputs+cells,cells]"},
               {"b_ru", kFloats, "[2*cells]"},
               {"b_c", kFloats, "[cells]"}};
  for (const char* name : {"r", "u", "c", "h"})
    op.outputs.push_back({name, kFloats, "[batch,cells]", Arity::kOptional});
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return RowFlops(context.shape(kX),
                    context.CountOfInput(kGateWeights) + context.CountOfInput(kCandidateWeights));
  };
  op.cases = [] {
    const auto real = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
    return std::vector<TestCase>{
        {"one_step",
         {real({2, 3}), real({2, 5}), real({8, 10}), real({8, 5}), real({10}), real({5})},
         {},
         4}};
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTensorflow, "GRUBlockCell"}};
  return op;
}

}  // namespace slipway
