// What ONNX's RNN, LSTM and GRU share: operands, shapes, directions, and the walk through the steps. A cell
// only says how one step changes its state.
//
// Operands: x [steps,batch,inputs], w [directions,gates*hidden,inputs], r [directions,gates*hidden,hidden],
// bias [directions,2*gates*hidden] (of w, then of r), sequence_lens [batch], initial_h
// [directions,batch,hidden]. Results: y [steps,directions,batch,hidden] and the last state
// [directions,batch,hidden]. With layout 1 the batch comes first: x and y [batch,steps,...], states
// [batch,directions,hidden].
#pragma once

#include <span>
#include <vector>

#include "base/function_ref.h"
#include "ops/import.h"
#include "ops/rnn/gate_function.h"
#include "ops/run.h"

namespace slipway {

// One direction's weights, as doubles.
class CellWeights {
 public:
  CellWeights(std::span<const double> w, std::span<const double> r, std::span<const double> bias,
              int64_t gates, int64_t hidden);

  // W[gate] x + the bias of w, and R[gate] h + the bias of r.
  std::vector<double> FromInput(size_t gate, std::span<const double> x) const;
  std::vector<double> FromState(size_t gate, std::span<const double> h) const;
  // Their sum.
  std::vector<double> Both(size_t gate, std::span<const double> x, std::span<const double> h) const;

 private:
  std::vector<double> BiasOf(size_t block) const;

  std::span<const double> w_, r_, bias_;  // bias empty: none
  size_t gates_, hidden_;
};

// Of one sequence in one direction.
struct CellState {
  std::vector<double> h;
  std::vector<double> c;  // LSTM
};

// One step: the state `state` sees `x`.
using CellStep = FunctionRef<void(const CellWeights& weights, std::span<const double> x, int64_t direction,
                                  CellState& state)>;

int64_t NumDirections(const Attrs& attrs);

// Clips to [-clip, clip]; a clip of 0 leaves x alone.
double ClipGate(double clip, double x);

// A record with everything but name, summary, formula, `reference` and the operands and attributes of one
// cell only.
OpDef RecurrentOp();
// Types of y, y_h and (LSTM) y_c; checks every operand against `gates` gates and the activations against
// `functions` names a direction.
Status InferRecurrent(InferContext& context, int64_t gates, const Strings& functions);
// Walks all sequences in all directions. Input 6 and output 2, where there are any, are the state c.
Status RunRecurrent(const RunContext& context, int64_t gates, CellStep step);

double RecurrentFlops(const InferContext& context);

// Sizes that the three records draw their cases from, with operands up to initial_h.
std::vector<TestCase> RecurrentCases(int64_t gates);

}  // namespace slipway
