// Extents that an importer of layers must know.
#pragma once

#include "ir/dim.h"
#include "slipway/status.h"

namespace slipway {

// The extent of `axis` (from 0 on) of a layer's input, at most 2^31 - 1: larger ones stand in no real net,
// and products of two stay within int64. Errors have no prefix; `hint`: how to give the input a shape where
// the extent is open.
Result<int64_t> KnownExtent(const DimList& dims, int64_t axis, const char* hint);

}  // namespace slipway
