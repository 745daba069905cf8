// TensorFlow's fused LSTM: LSTMBlockCell, BlockLSTM and BlockLSTMV2. One matrix for input and state and all
// four gates; every gate of every step is a result.
#include <algorithm>
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

enum Operand : size_t {
  kX = 0,
  kC,
  kH,
  kWeights,
  kPeepholeInput,
  kPeepholeForget,
  kPeepholeOutput,
  kBias,
  kLength
};
enum Gate : size_t { kInput = 0, kCell, kForget, kOutput, kCandidate, kShown, kState, kNumResults };

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(kX);
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    if (context.HasOutput(i)) context.SetOutput(i, Type::OfUnknownShape(dtype));
  }
  const auto& x = context.shape(kX);
  const auto& c = context.shape(kC);
  if (!x || !c) return Status::Ok();
  if ((x->size() != 2 && x->size() != 3) || c->size() != 2)
    return context.Error("x " + ToString(*x) + " must have rank 2 or 3, cs_prev " + ToString(*c) + " rank 2");
  const Dim batch = (*x)[x->size() - 2];
  const Dim cells = (*c)[1];
  const Dim columns = Dim(4) * cells;
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kC, {batch, cells}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kH, {batch, cells}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kWeights, {x->back() + cells, columns}));
  for (size_t i : {kPeepholeInput, kPeepholeForget, kPeepholeOutput})
    SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, i, {cells}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kBias, {columns}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kLength, {}));
  DimList shape = *x;
  shape.back() = cells;
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    if (context.HasOutput(i)) context.SetOutput(i, dtype, shape);
  }
  return Status::Ok();
}

struct Layer {
  std::vector<double> weights, bias;
  std::vector<double> peephole_input, peephole_forget, peephole_output;  // empty: none
  double forget_bias, clip;
  size_t cells, forget_at, candidate_at;  // which quarter of the columns

  // Results of one step of one sequence; `c` and `h` become the next.
  std::vector<std::vector<double>> Step(std::span<const double> x, std::vector<double>& c,
                                        std::vector<double>& h) const;
};

std::vector<std::vector<double>> Layer::Step(std::span<const double> x, std::vector<double>& c,
                                             std::vector<double>& h) const {
  const std::vector<double> sums = Affine(x, h, weights, bias);
  std::vector<std::vector<double>> results(kNumResults, std::vector<double>(cells));
  for (size_t i = 0; i < cells; ++i) {
    const auto peep = [&](const std::vector<double>& weight, double cell) {
      return weight.empty() ? 0 : weight[i] * cell;
    };
    const double in = Sigmoid(sums[i] + peep(peephole_input, c[i]));
    const double forget = Sigmoid(sums[forget_at * cells + i] + forget_bias + peep(peephole_forget, c[i]));
    const double candidate = std::tanh(sums[candidate_at * cells + i]);
    c[i] = candidate * in + c[i] * forget;
    if (clip > 0) c[i] = std::clamp(c[i], -clip, clip);
    const double out = Sigmoid(sums[3 * cells + i] + peep(peephole_output, c[i]));
    const double shown = std::tanh(c[i]);
    h[i] = shown * out;
    const double all[kNumResults] = {in, c[i], forget, out, candidate, shown, h[i]};
    for (size_t r = 0; r < kNumResults; ++r) results[r][i] = all[r];
  }
  return results;
}

std::vector<double> PeepholeOf(const RunContext& context, size_t input) {
  const bool is_used = context.attrs().Int("use_peephole") != 0 && context.HasInput(input);
  return is_used ? Reals(context.in(input)) : std::vector<double>();
}

Layer LayerOf(const RunContext& context) {
  const bool is_forget_second = context.attrs().String("gate_order") == "ifco";
  return {Reals(context.in(kWeights)),
          Reals(context.in(kBias)),
          PeepholeOf(context, kPeepholeInput),
          PeepholeOf(context, kPeepholeForget),
          PeepholeOf(context, kPeepholeOutput),
          static_cast<double>(context.attrs().Float("forget_bias")),
          static_cast<double>(context.attrs().Float("cell_clip")),
          static_cast<size_t>(context.in(kC).dim(1)),
          is_forget_second ? size_t{1} : size_t{2},
          is_forget_second ? size_t{2} : size_t{1}};
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(kX);
  const Layer layer = LayerOf(context);
  const int64_t batch = x.dim(-2);
  const int64_t inputs = x.dim(-1);
  const auto cells = static_cast<int64_t>(layer.cells);
  const int64_t steps = x.rank() == 2 ? 1 : x.dim(0);
  const int64_t length =
      context.HasInput(kLength) ? LoadInt(context.in(kLength).dtype(), context.in(kLength).data(), 0) : steps;
  if (length < 0 || length > steps)
    return context.Error("seq_len_max is " + std::to_string(length) + "; x has " + std::to_string(steps) +
                         " steps");
  const std::vector<double> values = Reals(x);
  const std::vector<double> first_c = Reals(context.in(kC));
  const std::vector<double> first_h = Reals(context.in(kH));
  const std::vector<std::vector<double>> nothing(kNumResults, std::vector<double>(layer.cells, 0.0));
  for (int64_t b = 0; b < batch; ++b) {
    std::vector<double> c(first_c.begin() + b * cells, first_c.begin() + (b + 1) * cells);
    std::vector<double> h(first_h.begin() + b * cells, first_h.begin() + (b + 1) * cells);
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t at = t * batch + b;
      const auto row =
          std::span(values).subspan(static_cast<size_t>(at * inputs), static_cast<size_t>(inputs));
      const auto results = t < length ? layer.Step(row, c, h) : nothing;
      for (size_t r = 0; r < context.num_outputs(); ++r) {
        if (!context.HasOutput(r)) continue;
        Tensor& y = context.out(r);
        for (int64_t i = 0; i < cells; ++i)
          StoreReal(y.dtype(), y.data(), at * cells + i, results[r][static_cast<size_t>(i)]);
      }
    }
  }
  return Status::Ok();
}

// The cell takes one step; the layers begin with seq_len_max, a cell's clip of 0 or less is none.
enum class Form { kCell, kLayer, kLayerV2 };

Status ImportForm(ImportContext& context, Form form) {
  const bool is_layer = form != Form::kCell;
  const Attrs& from = context.attrs();
  std::vector<ValueId> operands;
  for (size_t i = 0; i < kLength; ++i) operands.push_back(context.in(i + (is_layer ? 1 : 0)));
  if (is_layer) operands.push_back(context.in(0));
  return context.Emit("BlockLSTM", std::move(operands),
                      {{"forget_bias", form == Form::kLayerV2 ? 0.0F : from.Float("forget_bias", 1)},
                       {"cell_clip", from.Float("cell_clip", form == Form::kLayerV2 ? 0.0F : 3.0F)},
                       {"use_peephole", from.Int("use_peephole")},
                       {"gate_order", std::string(form == Form::kLayerV2 ? "ifco" : "icfo")}});
}

std::vector<TestCase> Cases() {
  constexpr int64_t kSteps = 4, kBatch = 2, kInputs = 3, kCells = 5;
  std::vector<TestCase> cases;
  for (const char* order : {"icfo", "ifco"}) {
    const bool is_cell = std::string(order) == "ifco";
    const auto real = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
    TestCase test{order,
                  {real(is_cell ? Dims{kBatch, kInputs} : Dims{kSteps, kBatch, kInputs}),
                   real({kBatch, kCells}), real({kBatch, kCells}), real({kInputs + kCells, 4 * kCells}),
                   real({kCells}), real({kCells}), real({kCells}), real({4 * kCells})},
                  {{"gate_order", std::string(order)}, {"use_peephole", int64_t{1}}, {"cell_clip", 0.6F}},
                  static_cast<int>(kNumResults)};
    if (!is_cell) test.inputs.push_back({.dtype = DType::kI64, .values = {3}});
    cases.push_back(std::move(test));
  }
  return cases;
}

}  // namespace

OpDef MakeBlockLSTM() {
  OpDef op;
  op.name = "BlockLSTM";
  op.group = "rnn";
  op.summary =
      "A layer of long short-term memory cells that gives every gate, as TensorFlow's fused ones do.";
  op.formula = "c' = clip(i g + f c); h' = o tanh(c'); i, g, f, o of (x, h) w + b";
  op.inputs = {{"x", kFloats, "[steps,batch,inputs], or one step [batch,inputs]"},
               {"cs_prev", kFloats, "[batch,cells]"},
               {"h_prev", kFloats, "[batch,cells]"},
               {"w", kFloats, "[inputs+cells,4*cells]"},
               {"wci", kFloats, "[cells]: peephole", Arity::kOptional},
               {"wcf", kFloats, "[cells]: peephole", Arity::kOptional},
               {"wco", kFloats, "[cells]: peephole", Arity::kOptional},
               {"b", kFloats, "[4*cells]"},
               {"seq_len_max",
                {DType::kI64},
                "steps that count; results of later ones are 0 (TensorFlow leaves some open)",
                Arity::kOptional}};
  const char* const names[] = {"i", "cs", "f", "o", "ci", "co", "h"};
  for (const char* name : names)
    op.outputs.push_back({name, kFloats, "[steps,batch,cells], or [batch,cells]", Arity::kOptional});
  op.attrs = {FloatAttr("forget_bias", 0, "added to the forget gate"),
              FloatAttr("cell_clip", 0, "c is clipped to [-cell_clip,cell_clip]; 0 or less: not"),
              IntAttr("use_peephole", 0, "1: wci, wcf and wco count"),
              StringAttr("gate_order", "icfo", {"icfo", "ifco"}, "of w's and b's columns")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return RowFlops(context.shape(kX), context.CountOfInput(kWeights));
  };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTensorflow, "LSTMBlockCell", 1, INT_MAX,
                 [](ImportContext& context) { return ImportForm(context, Form::kCell); }},
                {Format::kTensorflow, "BlockLSTM", 1, INT_MAX,
                 [](ImportContext& context) { return ImportForm(context, Form::kLayer); }},
                {Format::kTensorflow, "BlockLSTMV2", 1, INT_MAX,
                 [](ImportContext& context) { return ImportForm(context, Form::kLayerV2); }}};
  return op;
}

}  // namespace slipway
