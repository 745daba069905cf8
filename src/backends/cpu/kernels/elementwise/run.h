// How an operand of an element-wise function of two runs along the innermost axis.
#pragma once

namespace slipway::cpu {

enum class Run { kEach, kRepeated };

}  // namespace slipway::cpu
