// The activation that a kernel applies in its store.
#pragma once

#include <limits>

namespace slipway::cpu {

// Clamps (none, relu, relu6, clip ...) are all kClamp: y = min(max(x, low), high).
enum class ActivationKind { kClamp, kTanh, kSigmoid, kSilu, kHardSwish, kLeakyRelu, kGelu, kGeluTanh };

struct FusedActivation {
  ActivationKind kind = ActivationKind::kClamp;
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  float slope = 0;  // kLeakyRelu
};

}  // namespace slipway::cpu
