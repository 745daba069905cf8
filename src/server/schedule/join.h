// Batches: requests' inputs joined along the first dimension, a run's outputs cut into theirs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "slipway/tensor.h"

namespace slipway::server {

// Rows of a request: the extent of its inputs' first dimension; 1 of scalars.
int64_t RowsOf(const std::vector<Tensor>& inputs);
// May the two be run together? Where dtypes and all dimensions but the first are the same.
bool CanJoin(const std::vector<Tensor>& a, const std::vector<Tensor>& b);
// REQUIRES: at least one, and each can be joined with the first. No copy of one alone.
std::vector<Tensor> Join(std::span<const std::vector<Tensor>* const> requests);
// Rows [begin, begin + rows) of every output, where they lie. An error: an output has not `total` rows.
Result<std::vector<Tensor>> Rows(std::span<const Tensor> outputs, int64_t begin, int64_t rows, int64_t total);

}  // namespace slipway::server
