// Recurrent layers: what their cells compute, step by step or as one operator.
#pragma once

#include "formats/keras/layer_parts.h"

namespace slipway::keras {

// A SimpleRNN, GRU or LSTM cell. Its config is the layer's own, or stands inside of an RNN layer.
struct Cell {
  std::string kind;  // "SimpleRNN", "GRU", "LSTM"
  Config config;
  std::vector<std::string> path;  // inside of the layer: LayerPath::inner
  int64_t units = 0;
  bool has_bias = true;
  bool resets_after = false;  // GRU: the reset gate scales the product, not the state

  int64_t num_gates() const { return kind == "LSTM" ? 4 : kind == "GRU" ? 3 : 1; }
  size_t num_states() const { return kind == "LSTM" ? 2 : 1; }
};

// In Keras's order: kernel [inputs,gates*units], recurrent_kernel [units,gates*units], bias [gates*units], or
// [2,gates*units] of input and state where a GRU resets after; empty: none.
struct CellWeights {
  Tensor kernel, recurrent, bias;
};
Result<CellWeights> ReadCellWeights(LayerContext& context, const Cell& cell, int64_t num_inputs);

// One step: x [N,inputs], states [N,units] each. The output, then the new states.
using StepFn = std::function<Result<Values>(ValueId x, const Values& states)>;

struct Sequence {
  bool is_reverse = false;
  ValueId mask = kNoValue;     // [N,T] bool
  bool zeroes_masked = false;  // the output of a masked step is 0, not the last output
};
struct Steps {
  ValueId all = kNoValue;   // [N,T,...], in the order in which they were computed
  ValueId last = kNoValue;  // [N,...]
  Values states;
};
// Runs `step` over axis 1 of the first input, as a Scan. `output_state`: which state has the output's shape
// and, where nothing is masked, is the output.
Result<Steps> RunSteps(LayerContext& context, const Sequence& sequence, const Values& states,
                       size_t output_state, const StepFn& step);

// Zeros [batch of x, extents...].
Result<ValueId> ZeroState(LayerContext& context, ValueId x, const Ints& extents);
// What the layer gives: outputs, or the last of them, then the states if they are wanted. Masks of outputs.
Result<Values> Results(LayerContext& context, const Steps& steps);
// The states that the call hands over; empty: none.
Values InitialStates(LayerContext& context);
Result<Sequence> ReadSequence(LayerContext& context);
// x with its axis 1 turned round.
Result<ValueId> Reversed(LayerContext& context, ValueId x);

}  // namespace slipway::keras
