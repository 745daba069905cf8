// Options of MediaPipe's custom operators that TFLite files hold as the bytes of a C struct.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/import.h"

namespace slipway {

inline constexpr int32_t kMediapipeSame = 1;
inline constexpr int32_t kMediapipeValid = 2;

// The first `count` numbers of the struct; the first is the padding. Errors: too few bytes, numbers out of
// range.
Result<std::vector<int32_t>> MediapipeOptions(const ImportContext& context, size_t count);

}  // namespace slipway
