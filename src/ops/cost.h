// Arithmetic and memory traffic of one node, from its record and the shapes: what reports and cost models
// start from.
#pragma once

#include <span>

#include "ops/op.h"

namespace slipway {

// Operands are null where left out. Unknown dimensions make the parts that depend on them 0.
// flops: a multiply-add counts 2. bytes: every input and output once.
Cost CostOf(const OpDef& op, const Node& node, std::span<const Value* const> inputs,
            std::span<const Value* const> outputs);

}  // namespace slipway
