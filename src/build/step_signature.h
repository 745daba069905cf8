// What the time of a step depends on, as one line of text: two steps of the same signature are timed once.
#pragma once

#include <string>

#include "backends/api/backend.h"

namespace slipway {

// Operator, types of operands, which of them are constants and the values of small integer constants (axes,
// shapes, offsets), attributes; no names of nodes or values, and no weights. Holds no tab and no line break.
std::string StepSignature(const Step& step);

}  // namespace slipway
