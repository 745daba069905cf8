// Recurrent layers, unrolled over time: every step's nodes stand in the graph, as Caffe's own net of them
// does.
//
// Source: RecurrentLayer, LSTMLayer, RNNLayer and LSTMUnitLayer of BVLC Caffe (Donahue et al., "Long-term
// Recurrent Convolutional Networks", 2015). Time comes first: x [T,N,...]; cont [T,N] is 0 where a sequence
// begins, and takes the state before it away.
#include <array>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

constexpr int64_t kMaxSteps = 4096;  // a net of so many steps has some 50,000 nodes

struct Recurrence {
  int64_t steps = 0, batch = 0, outputs = 0;
  bool has_static = false, exposes_state = false;
  size_t blob = 0;  // the next one
};

Result<Recurrence> ReadRecurrence(LayerContext& context, size_t states) {
  const Params params = context.params("recurrent_param");
  Recurrence recurrence;
  recurrence.outputs = params.Int("num_output", 0);
  recurrence.exposes_state = params.Bool("expose_hidden", false);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (recurrence.outputs < 1 || recurrence.outputs > INT32_MAX / 4)
    return context.Error("num_output is out of range");
  const size_t given = recurrence.exposes_state ? states : 0;
  if (context.num_inputs() < 2 + given || context.num_inputs() > 3 + given)
    return context.Error("has " + std::to_string(context.num_inputs()) + " bottoms, needs " +
                         std::to_string(2 + given) + ", or one more that is the same at every step");
  recurrence.has_static = context.num_inputs() == 3 + given;
  if (context.rank(context.in()) < 3 || context.rank(context.in(1)) != 2)
    return context.Error("inputs must be [T,N,...] and [T,N], are " + ToString(context.shape(context.in())) +
                         " and " + ToString(context.shape(context.in(1))));
  SLIPWAY_ASSIGN_OR_RETURN(recurrence.steps, context.Extent(0, 0));
  SLIPWAY_ASSIGN_OR_RETURN(recurrence.batch, context.Extent(0, 1));
  if (recurrence.steps < 1 || recurrence.steps > kMaxSteps)
    return context.Error("has " + std::to_string(recurrence.steps) + " steps; at most " +
                         std::to_string(kMaxSteps) + " are unrolled");
  return recurrence;
}

// The next blob [outputs,inner], transposed.
Result<ValueId> NextMatrix(LayerContext& context, Recurrence& recurrence, int64_t outputs, const Dim& inner) {
  if (!inner.IsKnown()) return context.Error("the extents of its inputs must be known");
  SLIPWAY_ASSIGN_OR_RETURN(Tensor weights, context.Blob(recurrence.blob++, {outputs, inner.value()}));
  return context.Add("Transpose", {context.Const(std::move(weights))}, {{"perm", Ints{1, 0}}});
}

// rows [..,I] times the next blob [outputs,I], transposed.
Result<ValueId> Times(LayerContext& context, Recurrence& recurrence, ValueId rows, int64_t outputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId turned,
                           NextMatrix(context, recurrence, outputs, context.shape(rows).back()));
  return context.Add("MatMul", {rows, turned});
}

// W x + b for every step at once, [T,N,outputs], and what the static input adds to all of them.
Result<ValueId> FromInputs(LayerContext& context, Recurrence& recurrence, int64_t outputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows,
                           context.Reshape(context.in(), {recurrence.steps, recurrence.batch, -1}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId product, Times(context, recurrence, rows, outputs));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Blob(recurrence.blob++, {outputs}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {product, context.Const(std::move(bias))}));
  if (!recurrence.has_static) return sum;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId fixed, context.Reshape(context.in(2), {1, recurrence.batch, -1}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId always, Times(context, recurrence, fixed, outputs));
  return context.Add("Add", {sum, always});
}

// Entries [begin,end) of an axis.
Result<ValueId> Part(LayerContext& context, ValueId x, int64_t axis, int64_t begin, int64_t end) {
  GraphBuilder& builder = context.builder();
  return context.Add("Slice", {x, builder.Ints({begin}), builder.Ints({end}), builder.Ints({axis})});
}

// The i-th state that the layer starts from, [1,N,outputs]: given, or zeros.
Result<ValueId> FirstState(LayerContext& context, const Recurrence& recurrence, size_t i) {
  const Ints shape = {1, recurrence.batch, recurrence.outputs};
  if (recurrence.exposes_state)
    return context.Reshape(context.in((recurrence.has_static ? 3 : 2) + i), shape);
  return context.Add("Expand", {context.Number(0), context.builder().Ints(shape)});
}

// cont of step t, [1,N,1].
Result<ValueId> ContAt(LayerContext& context, int64_t step) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId row, Part(context, context.in(1), 0, step, step + 1));
  return context.Add("Unsqueeze", {row, context.builder().Ints({2})});
}

struct Cell {
  ValueId cell = kNoValue, hidden = kNoValue;
};

// gates [1,N,4D]: input, forget, output, candidate. c = cont * f * c' + i * g; h = o * tanh(c).
Result<Cell> LstmStep(LayerContext& context, ValueId gates, ValueId cell, ValueId cont, int64_t outputs) {
  std::array<ValueId, 4> parts{};
  for (size_t k = 0; k < 4; ++k) {
    const auto at = static_cast<int64_t>(k);
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId part, Part(context, gates, 2, at * outputs, (at + 1) * outputs));
    SLIPWAY_ASSIGN_OR_RETURN(parts[k], context.Add(k == 3 ? "Tanh" : "Sigmoid", {part}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId forget, context.Add("Mul", {parts[1], cont}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId kept, context.Add("Mul", {forget, cell}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId added, context.Add("Mul", {parts[0], parts[3]}));
  Cell next;
  SLIPWAY_ASSIGN_OR_RETURN(next.cell, context.Add("Add", {kept, added}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId squashed, context.Add("Tanh", {next.cell}));
  SLIPWAY_ASSIGN_OR_RETURN(next.hidden, context.Add("Mul", {parts[2], squashed}));
  return next;
}

// Blobs: W of x, b, (W of the static input,) W of h.
Status Lstm(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Recurrence recurrence, ReadRecurrence(context, 2));
  const int64_t outputs = recurrence.outputs;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId from_x, FromInputs(context, recurrence, 4 * outputs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId recurrent, NextMatrix(context, recurrence, 4 * outputs, outputs));
  Cell state;
  SLIPWAY_ASSIGN_OR_RETURN(state.hidden, FirstState(context, recurrence, 0));
  SLIPWAY_ASSIGN_OR_RETURN(state.cell, FirstState(context, recurrence, 1));
  std::vector<ValueId> hidden;
  for (int64_t t = 0; t < recurrence.steps; ++t) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId cont, ContAt(context, t));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId before, context.Add("Mul", {state.hidden, cont}));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId from_h, context.Add("MatMul", {before, recurrent}));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId at_t, Part(context, from_x, 0, t, t + 1));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId gates, context.Add("Add", {at_t, from_h}));
    SLIPWAY_ASSIGN_OR_RETURN(state, LstmStep(context, gates, state.cell, cont, outputs));
    hidden.push_back(state.hidden);
  }
  SLIPWAY_RETURN_IF_ERROR(context.Emit("Concat", std::move(hidden), {{"axis", int64_t{0}}}));
  if (!recurrence.exposes_state) return Status::Ok();
  context.Emit(state.hidden);
  context.Emit(state.cell);
  return Status::Ok();
}

// h = tanh(W_hh (cont * h') + W_xh x + b); o = tanh(W_ho h + b_o). Blobs in that order: W_xh, b, (static,)
// W_hh, W_ho, b_o.
Status Rnn(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Recurrence recurrence, ReadRecurrence(context, 1));
  const int64_t outputs = recurrence.outputs;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId from_x, FromInputs(context, recurrence, outputs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId recurrent, NextMatrix(context, recurrence, outputs, outputs));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId state, FirstState(context, recurrence, 0));
  std::vector<ValueId> hidden;
  for (int64_t t = 0; t < recurrence.steps; ++t) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId cont, ContAt(context, t));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId before, context.Add("Mul", {state, cont}));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId from_h, context.Add("MatMul", {before, recurrent}));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId at_t, Part(context, from_x, 0, t, t + 1));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {at_t, from_h}));
    SLIPWAY_ASSIGN_OR_RETURN(state, context.Add("Tanh", {sum}));
    hidden.push_back(state);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId all,
                           context.Add("Concat", std::move(hidden), {{"axis", int64_t{0}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId product, Times(context, recurrence, all, outputs));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Blob(recurrence.blob++, {outputs}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {product, context.Const(std::move(bias))}));
  SLIPWAY_RETURN_IF_ERROR(context.Emit("Tanh", {sum}));
  if (recurrence.exposes_state) context.Emit(state);
  return Status::Ok();
}

// One step: the cell before [1,N,D], gates [1,N,4D], cont [1,N].
Status LstmUnit(LayerContext& context) {
  if (context.rank(context.in()) != 3 || context.rank(context.in(1)) != 3)
    return context.Error("inputs must be [1,N,D], [1,N,4D] and [1,N]");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t batch, context.Extent(0, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t outputs, context.Extent(0, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId cont, context.Reshape(context.in(2), {1, batch, 1}));
  SLIPWAY_ASSIGN_OR_RETURN(const Cell next, LstmStep(context, context.in(1), context.in(0), cont, outputs));
  context.Emit(next.cell);
  context.Emit(next.hidden);
  return Status::Ok();
}

constexpr std::array kLayers = {
    LayerDef{"LSTM", Lstm, 2, 5},
    LayerDef{"LSTMUnit", LstmUnit, 3, 3},
    LayerDef{"RNN", Rnn, 2, 4},
};

}  // namespace

std::span<const LayerDef> RecurrentLayers() { return kLayers; }

}  // namespace slipway::caffe
