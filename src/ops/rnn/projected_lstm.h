// TFLite's LSTM layer: operands, sizes, and the two ways to compute it.
//
// Like ONNX's, with a projection of the output (Sak et al., 2014), normalised gates (Ba et al., 2016) and
// weights apart for each gate. Gates in the order input, forget, cell, output everywhere.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "ops/import.h"
#include "ops/run.h"

namespace slipway {

// TFLite's order.
inline constexpr size_t kLstmX = 0;
inline constexpr size_t kLstmFromInput = 1;        // 4 matrices [cells,inputs]; no first: see LstmGate
inline constexpr size_t kLstmFromState = 5;        // 4 matrices [cells,outputs]
inline constexpr size_t kLstmPeepholes = 9;        // 3 vectors [cells]: input, forget, output
inline constexpr size_t kLstmBias = 12;            // 4 vectors [cells]
inline constexpr size_t kLstmProjection = 16;      // [outputs,cells]
inline constexpr size_t kLstmProjectionBias = 17;  // [outputs]
inline constexpr size_t kLstmH = 18;               // [batch,outputs]
inline constexpr size_t kLstmC = 19;               // [batch,cells]
inline constexpr size_t kLstmNorm = 20;            // 4 vectors [cells]

// Without weights of an input gate it is 1 - the forget gate.
enum LstmGate : size_t { kLstmInput = 0, kLstmForget, kLstmCell, kLstmOutput, kNumLstmGates };

// Which of the three peepholes a gate has; the cell has none.
constexpr size_t PeepholeOf(LstmGate gate) {
  return gate == kLstmOutput ? kLstmPeepholes + 2 : kLstmPeepholes + gate;
}

// The walk through one call's sequences, in elements.
struct LstmCall {
  int64_t steps, batch, inputs, cells, outputs;
  bool is_time_major, is_backwards;

  int64_t RowOf(int64_t b, int64_t i) const {
    const int64_t t = is_backwards ? steps - 1 - i : i;
    return is_time_major ? t * batch + b : b * steps + t;
  }
};
LstmCall LstmCallOf(const RunContext& context);

// Of a TFLite layer that reads the same operands in the same order.
Status ImportLstmLayer(ImportContext& context);

// f32, weights of f32 or 8 bits.
Status RunRealLstm(const RunContext& context, const LstmCall& call);
// i8 with cells of i16, to the bit as LiteRT: five intermediates (gates of 16 bits) or twelve (of 8).
inline constexpr size_t kNumNarrowIntermediates = 12;
Status RunIntegerLstm(const RunContext& context, const LstmCall& call);
Status RunNarrowIntegerLstm(const RunContext& context, const LstmCall& call);

// A step of one sequence: its x, and the states to change.
struct LstmStep {
  int64_t sequence;  // within the batch
  std::span<const int32_t> x;
  std::span<int32_t> h, c;
};
// Takes `step` through all sequences and writes what h is after each, and the states after the last.
Status WalkIntegerLstm(const RunContext& context, const LstmCall& call,
                       const std::function<void(const LstmStep&)>& step);

}  // namespace slipway
