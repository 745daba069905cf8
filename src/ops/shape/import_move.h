// Import of operators that become a chain of movements: what each link passes on.
#pragma once

#include "ops/import.h"

namespace slipway {

// Adds a node whose one output has the quantisation of `inputs[from]`: a movement keeps bits and their
// meaning.
Result<ValueId> AddMove(ImportContext& context, std::string op, std::vector<ValueId> inputs, Attrs attrs = {},
                        size_t from = 0);

// An i64 vector of a value's extents when all are known, else a Shape node.
Result<ValueId> ShapeOf(ImportContext& context, ValueId value);

// The dtype's integers in one constant: shape arithmetic of TensorFlow is i32 as often as i64.
ValueId IntsOf(ImportContext& context, DType dtype, const Ints& values);

}  // namespace slipway
