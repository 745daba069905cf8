// Sequences of tensors: types, elements, positions.
//
// The tensors of a sequence own their storage: what is put in is copied, for the engine uses its buffers
// again.
#pragma once

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// A sequence of tensors of that dtype, of any shapes.
Type SequenceOf(DType dtype);
// Output 0 is a sequence like input 0.
Status InferSequence(InferContext& context);
// The tensors of sequence input `i`; none when it is empty.
const std::vector<Tensor>& SequenceIn(const RunContext& context, size_t i);
// Input `i` as a place in a sequence of `length`, `otherwise` when left out. `last`: the highest place
// allowed.
Result<int64_t> PositionIn(const RunContext& context, size_t i, int64_t length, int64_t last,
                           int64_t otherwise);

}  // namespace slipway
