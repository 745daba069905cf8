#include "ops/rnn/recurrent.h"

#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/nn/reals.h"
#include "ops/rnn/operand_shape.h"
#include "ops/rnn/row_flops.h"

namespace slipway {
namespace {

enum Operand : size_t { kX = 0, kW, kR, kBias, kLengths, kInitialH, kInitialC };

// Where the elements of one call lie: strides, in elements, of the axes that layout swaps.
struct Placement {
  int64_t steps, batch, directions, hidden, inputs;
  int64_t x_step, x_batch;
  int64_t y_step, y_batch, y_direction;
  int64_t state_batch, state_direction;
};

Placement PlaceOf(const Tensor& x, int64_t directions, int64_t hidden, bool is_batch_first) {
  Placement at{};
  at.steps = x.dim(is_batch_first ? 1 : 0);
  at.batch = x.dim(is_batch_first ? 0 : 1);
  at.directions = directions;
  at.hidden = hidden;
  at.inputs = x.dim(2);
  if (is_batch_first) {
    at.x_step = at.inputs;
    at.x_batch = at.steps * at.inputs;
    at.y_direction = hidden;
    at.y_step = directions * hidden;
    at.y_batch = at.steps * at.y_step;
    at.state_direction = hidden;
    at.state_batch = directions * hidden;
    return at;
  }
  at.x_batch = at.inputs;
  at.x_step = at.batch * at.inputs;
  at.y_batch = hidden;
  at.y_direction = at.batch * hidden;
  at.y_step = directions * at.y_direction;
  at.state_batch = hidden;
  at.state_direction = at.batch * hidden;
  return at;
}

std::span<const double> Part(const std::vector<double>& all, int64_t part, int64_t parts) {
  const size_t size = all.size() / static_cast<size_t>(parts);
  return std::span(all).subspan(static_cast<size_t>(part) * size, size);
}

std::vector<double> RealsOrNone(const RunContext& context, size_t i) {
  return context.HasInput(i) ? Reals(context.in(i)) : std::vector<double>();
}

std::vector<double> StateOr0(const std::vector<double>& initial, int64_t from, int64_t hidden) {
  if (initial.empty()) return std::vector<double>(static_cast<size_t>(hidden), 0.0);
  return {initial.begin() + from, initial.begin() + from + hidden};
}

void Store(const RunContext& context, size_t output, int64_t to, const std::vector<double>& values) {
  if (!context.HasOutput(output)) return;
  Tensor& tensor = context.out(output);
  for (double value : values) StoreReal(tensor.dtype(), tensor.data(), to++, value);
}

Result<std::vector<int64_t>> LengthsOf(const RunContext& context, int64_t batch, int64_t steps) {
  std::vector<int64_t> lengths(static_cast<size_t>(batch), steps);
  if (!context.HasInput(kLengths)) return lengths;
  const Tensor& given = context.in(kLengths);
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = LoadInt(given.dtype(), given.data(), b);
    if (length < 0 || length > steps) {
      return context.Error("sequence_lens[" + std::to_string(b) + "] is " + std::to_string(length) +
                           "; x has " + std::to_string(steps) + " steps");
    }
    lengths[static_cast<size_t>(b)] = length;
  }
  return lengths;
}

bool IsBackwards(const Attrs& attrs, int64_t direction) {
  return direction == 1 || attrs.String("direction") == "reverse";
}

void Accumulate(std::span<const double> matrix, std::span<const double> vector, std::vector<double>& sums) {
  for (size_t row = 0; row < sums.size(); ++row) {
    for (size_t i = 0; i < vector.size(); ++i) sums[row] += matrix[row * vector.size() + i] * vector[i];
  }
}

// Units of the state: of the attribute, or what r says.
Dim HiddenOf(const InferContext& context) {
  const int64_t declared = context.attrs().Int("hidden_size");
  if (declared > 0) return declared;
  const auto& r = context.shape(kR);
  return r && r->size() == 3 ? (*r)[2] : Dim();
}

}  // namespace

CellWeights::CellWeights(std::span<const double> w, std::span<const double> r, std::span<const double> bias,
                         int64_t gates, int64_t hidden)
    : w_(w), r_(r), bias_(bias), gates_(static_cast<size_t>(gates)), hidden_(static_cast<size_t>(hidden)) {}

std::vector<double> CellWeights::BiasOf(size_t block) const {
  if (bias_.empty()) return std::vector<double>(hidden_, 0.0);
  const auto part = bias_.subspan(block * hidden_, hidden_);
  return {part.begin(), part.end()};
}

std::vector<double> CellWeights::FromInput(size_t gate, std::span<const double> x) const {
  std::vector<double> sums = BiasOf(gate);
  Accumulate(w_.subspan(gate * hidden_ * x.size(), hidden_ * x.size()), x, sums);
  return sums;
}

std::vector<double> CellWeights::FromState(size_t gate, std::span<const double> h) const {
  std::vector<double> sums = BiasOf(gates_ + gate);
  Accumulate(r_.subspan(gate * hidden_ * hidden_, hidden_ * hidden_), h, sums);
  return sums;
}

std::vector<double> CellWeights::Both(size_t gate, std::span<const double> x,
                                      std::span<const double> h) const {
  std::vector<double> sums = FromInput(gate, x);
  const std::vector<double> more = FromState(gate, h);
  for (size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
  return sums;
}

int64_t NumDirections(const Attrs& attrs) { return attrs.String("direction") == "bidirectional" ? 2 : 1; }

double ClipGate(double clip, double x) { return clip > 0 ? std::clamp(x, -clip, clip) : x; }

OpDef RecurrentOp() {
  OpDef op;
  op.group = "rnn";
  op.inputs = {{"x", kFloats, "[steps,batch,inputs]; layout 1: [batch,steps,inputs]"},
               {"w", kFloats, "[directions,gates*hidden,inputs]"},
               {"r", kFloats, "[directions,gates*hidden,hidden]"},
               {"bias", kFloats, "[directions,2*gates*hidden]: of w, then of r", Arity::kOptional},
               {"sequence_lens", {DType::kI32}, "[batch]: steps that count", Arity::kOptional},
               {"initial_h", kFloats, "[directions,batch,hidden]; layout 1: [batch,directions,hidden]",
                Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[steps,directions,batch,hidden]; layout 1: [batch,steps,directions,hidden]",
                 Arity::kOptional},
                {"y_h", kFloats, "the last state, shaped as initial_h", Arity::kOptional}};
  op.attrs = {
      IntAttr("hidden_size", 0, "units of the state; 0: as r says"),
      StringAttr("direction", "forward", {"forward", "reverse", "bidirectional"}, "order of the steps"),
      StringsAttr("activations", {}, "functions of the cell, per direction; none: the usual ones"),
      FloatsAttr("activation_alpha", {}, "for those functions that have one, in order"),
      FloatsAttr("activation_beta", {}, "likewise"),
      FloatAttr("clip", 0, "what goes into an activation is clipped to [-clip,clip]; 0: not"),
      IntAttr("layout", 0, "1: the batch comes first")};
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  return op;
}

Status InferRecurrent(InferContext& context, int64_t gates, const Strings& functions) {
  const int64_t directions = NumDirections(context.attrs());
  const auto count = functions.size() * static_cast<size_t>(directions);
  if (auto named = GateFunctionsOf(context.attrs(), functions, count); !named.ok())
    return context.Error(named.status().message());
  const auto& x = context.shape(kX);
  if (x && x->size() != 3) return context.Error("x must have rank 3, is " + ToString(*x));
  const bool is_batch_first = context.attrs().Int("layout") != 0;
  const Dim steps = x ? (*x)[is_batch_first ? 1 : 0] : Dim();
  const Dim batch = x ? (*x)[is_batch_first ? 0 : 1] : Dim();
  const Dim inputs = x ? (*x)[2] : Dim();
  const Dim hidden = HiddenOf(context);
  const DimList state =
      is_batch_first ? DimList{batch, directions, hidden} : DimList{directions, batch, hidden};
  const std::pair<size_t, DimList> expected[] = {{kW, {directions, Dim(gates) * hidden, inputs}},
                                                 {kR, {directions, Dim(gates) * hidden, hidden}},
                                                 {kBias, {directions, Dim(2 * gates) * hidden}},
                                                 {kLengths, {batch}},
                                                 {kInitialH, state},
                                                 {kInitialC, state}};
  for (const auto& [input, shape] : expected)
    SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, input, shape));
  const DType dtype = context.dtype(kX);
  for (size_t i = 0; i < context.num_outputs(); ++i) context.SetOutput(i, dtype, state);
  if (context.num_outputs() > 0) {
    context.SetOutput(0, dtype,
                      is_batch_first ? DimList{batch, steps, directions, hidden}
                                     : DimList{steps, directions, batch, hidden});
  }
  return Status::Ok();
}

Status RunRecurrent(const RunContext& context, int64_t gates, CellStep step) {
  const Tensor& x = context.in(kX);
  const int64_t hidden = context.in(kR).dim(2);
  const Placement at = PlaceOf(x, NumDirections(context.attrs()), hidden, context.attrs().Int("layout") != 0);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> lengths, LengthsOf(context, at.batch, at.steps));
  const std::vector<double> values = Reals(x);
  const std::vector<double> w = Reals(context.in(kW));
  const std::vector<double> r = Reals(context.in(kR));
  const std::vector<double> bias = RealsOrNone(context, kBias);
  const std::vector<double> initial_h = RealsOrNone(context, kInitialH);
  const std::vector<double> initial_c = RealsOrNone(context, kInitialC);
  const std::vector<double> nothing(static_cast<size_t>(hidden), 0.0);
  for (int64_t d = 0; d < at.directions; ++d) {
    const CellWeights weights(Part(w, d, at.directions), Part(r, d, at.directions),
                              Part(bias, d, at.directions), gates, hidden);
    for (int64_t b = 0; b < at.batch; ++b) {
      const int64_t state_at = d * at.state_direction + b * at.state_batch;
      CellState state{StateOr0(initial_h, state_at, hidden), StateOr0(initial_c, state_at, hidden)};
      const int64_t length = lengths[static_cast<size_t>(b)];
      for (int64_t i = 0; i < at.steps; ++i) {
        const bool is_padding = i >= length;
        const int64_t t = IsBackwards(context.attrs(), d) && !is_padding ? length - 1 - i : i;
        const int64_t from = t * at.x_step + b * at.x_batch;
        if (!is_padding)
          step(weights, std::span(values).subspan(static_cast<size_t>(from), static_cast<size_t>(at.inputs)),
               d, state);
        Store(context, 0, t * at.y_step + d * at.y_direction + b * at.y_batch,
              is_padding ? nothing : state.h);
      }
      Store(context, 1, state_at, state.h);
      Store(context, 2, state_at, state.c);
    }
  }
  return Status::Ok();
}

double RecurrentFlops(const InferContext& context) {
  return RowFlops(context.shape(kX), context.CountOfInput(kW) + context.CountOfInput(kR));
}

std::vector<TestCase> RecurrentCases(int64_t gates) {
  struct Size {
    const char* label;
    int64_t steps, batch, inputs, hidden;
    const char* direction;
    int64_t layout;
    bool is_bare;  // neither bias, lengths nor state
  };
  constexpr Size kSizes[] = {{"forward", 5, 2, 3, 4, "forward", 0, false},
                             {"reverse", 4, 3, 5, 9, "reverse", 0, false},
                             {"bidirectional", 3, 2, 17, 8, "bidirectional", 0, false},
                             {"batch_first", 6, 3, 4, 5, "bidirectional", 1, false},
                             {"bare", 7, 1, 8, 16, "forward", 0, true}};
  std::vector<TestCase> cases;
  for (const Size& size : kSizes) {
    const int64_t directions = std::string(size.direction) == "bidirectional" ? 2 : 1;
    const bool is_batch_first = size.layout == 1;
    const auto real = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
    const auto weight = [](Dims dims) {
      return TestInput{.dims = std::move(dims), .low = -0.5, .high = 0.5, .is_constant = true};
    };
    TestCase test;
    test.label = size.label;
    test.inputs = {real(is_batch_first ? Dims{size.batch, size.steps, size.inputs}
                                       : Dims{size.steps, size.batch, size.inputs}),
                   weight({directions, gates * size.hidden, size.inputs}),
                   weight({directions, gates * size.hidden, size.hidden})};
    test.attrs = {{"direction", std::string(size.direction)}, {"layout", size.layout}};
    test.num_outputs = 2;
    if (!size.is_bare) {
      test.inputs.push_back(weight({directions, 2 * gates * size.hidden}));
      // Whole, shorter, and (the third sequence) empty.
      const std::vector<double> lengths = {static_cast<double>(size.steps), 2, 0};
      test.inputs.push_back({.dtype = DType::kI32,
                             .dims = {size.batch},
                             .values = {lengths.begin(), lengths.begin() + size.batch}});
      test.inputs.push_back(real(is_batch_first ? Dims{size.batch, directions, size.hidden}
                                                : Dims{directions, size.batch, size.hidden}));
    }
    cases.push_back(std::move(test));
  }
  return cases;
}

}  // namespace slipway
