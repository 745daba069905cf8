// The makers of all records, in the order of ops.inc.
//
// Each runs once, when the first operator is looked up: cold, so that their code is small and lies side by
// side, and what operators compute with is not paged in with them. The build includes this in every file
// here.
#pragma once

#include "ops/op.h"

namespace slipway {

#define SLIPWAY_OP(name) [[gnu::cold]] OpDef Make##name();
#include "ops/ops.inc"
#undef SLIPWAY_OP

}  // namespace slipway
