// Do a network's rows stay apart? Then requests may be answered together.
#pragma once

#include "runtime/engine.h"

namespace slipway::server {

// Runs two different rows alone and together, and compares. REQUIRES: inputs and outputs begin with the same
// open dimension. False where answers differ by more than rounding, or a run fails: an open first dimension
// may be a sequence's.
bool DoRowsStayApart(const Engine& engine, Context& context);

}  // namespace slipway::server
