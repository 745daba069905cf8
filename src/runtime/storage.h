// Which f32 values are kept as bf16 in memory: half the bytes, and no conversion where they are multiplied.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backends/api/backend.h"
#include "ir/graph.h"

namespace slipway {

// Makes bf16 of the f32 values that are written and read by kernels that all can bear it
// (Kernel::CanReadBf16). What the caller sees stays f32, and so does what a step reads whose shapes depend on
// data (not `is_static`).
void StoreInBf16(std::span<const std::unique_ptr<Kernel>> kernels, const std::vector<bool>& is_static,
                 Graph& graph);

}  // namespace slipway
