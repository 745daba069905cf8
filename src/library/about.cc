// What the library says of itself (slipway/runtime.h).
#include "ops/op.h"
#include "slipway/runtime.h"

const char* slipway_runtime_version(void) { return SLIPWAY_VERSION; }

uint64_t slipway_runtime_num_operators(void) { return slipway::AllOps().size(); }

const char* slipway_runtime_operator(uint64_t index) { return slipway::AllOps()[index].name.c_str(); }
