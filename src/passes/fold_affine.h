// A per-channel y * scale + shift behind a convolution or fully connected layer, folded into weights and
// bias.
#pragma once

#include <vector>

#include "passes/rewrite.h"

namespace slipway {

// A node whose result a per-channel affine map can be folded into: constant f32 weights with output channels
// first, no activation or residual yet, not quantised.
struct AffineTarget {
  Node* node = nullptr;
  int64_t channels = 0;
  int channel_axis = 0;  // of the result
  int rank = 0;          // of the result
};
std::optional<AffineTarget> FindAffineTarget(GraphView& view, ValueId result);

// New weights and bias constants: w[c] * scale[c], b[c] * scale[c] + shift[c]. The old constants stay for
// others.
void ApplyAffine(GraphView& view, const AffineTarget& target, const std::vector<double>& scale,
                 const std::vector<double>& shift);

// `target` computes what `follower` computed: takes its output and provenance; follower is dropped.
void TakeOver(GraphView& view, Node& target, Node& follower);

}  // namespace slipway
