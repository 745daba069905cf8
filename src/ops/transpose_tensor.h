// Permutations of axes, and constants turned by them.
#pragma once

#include "ir/attrs.h"

namespace slipway {

// The permutation in force of a Transpose: reversed axes where `perm` is not given.
Ints PermutationOf(const Attrs& attrs, int rank);

// Axis i of the result is axis permutation[i] of `tensor`, of any dtype. The result is a tensor of its own;
// the pages of a file that `tensor` looks at leave memory, so that weights are not held twice. REQUIRES: a
// permutation of its axes.
Tensor TransposeTensor(const Tensor& tensor, const Ints& permutation);

}  // namespace slipway
