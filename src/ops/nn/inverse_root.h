// 1 / sqrt(x) in fixed point, by five Newton steps: x <- x * (3 - n x^2) / 2.
//
// Source: gemmlowp's fixed-point rules (Q notation: `Qk` has k integer bits of 31).
#pragma once

#include "base/fixed_point.h"

namespace slipway {

// 1 / sqrt(sum), as a multiplier.
FixedMultiplier InverseRoot(int32_t sum);

}  // namespace slipway
