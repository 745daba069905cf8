// What the running sums and products share.
#pragma once

#include "ops/reduce/reduce.h"

namespace slipway {

// f(what was accumulated so far, the next element); `start` stands before the first.
struct CumulateFunctions {
  double start;
  double (*real)(double, double);
  uint64_t (*integer)(uint64_t, uint64_t);
};

// All but name, summary, formula, reference and rows.
OpDef CumulateOp();
Status RunCumulate(RunContext& context, const CumulateFunctions& functions);

}  // namespace slipway
