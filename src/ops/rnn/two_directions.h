// TFLite's bidirectional layers as two layers of one direction each.
#pragma once

#include <array>

#include "ops/import.h"

namespace slipway {

// What both directions read, and the second input that a layer below may give.
struct TwoInputs {
  ValueId forward, backward;
};

// Without weights for it, an auxiliary input is what the backward layer reads; with weights, both read it
// behind the input. `matrices`: per direction, the weights on the input and those on the auxiliary input; the
// former are replaced by both, side by side. f32 only where there are weights.
Result<TwoInputs> JoinAuxiliary(ImportContext& context, ValueId auxiliary,
                                const std::vector<std::pair<ValueId*, ValueId>>& matrices);

// Adds the record `op` forwards and (attribute `reverse`) backwards. Each gives its sequence and `num_states`
// states; the foreign node gives the sequences, side by side where `merge_outputs` is set, then the states of
// the forward and of the backward layer, if they are variables.
Status EmitTwoDirections(ImportContext& context, const std::string& op,
                         std::array<std::vector<ValueId>, 2> operands, const Attrs& attrs, size_t num_states);

}  // namespace slipway
