// How an element scattered onto another combines with it.
#pragma once

#include "base/function_ref.h"
#include "ops/op.h"

namespace slipway {

// Attribute `reduction`: none, add, mul, max, min.
AttrDef ReductionAttr();
// target[to] = combine(target[to], source[from]); both of `dtype`. Strings and complex numbers: only "none".
void ScatterElement(std::string_view reduction, DType dtype, const void* source, int64_t from, void* target,
                    int64_t to);

}  // namespace slipway
