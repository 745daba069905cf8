// ONNX before opset 7: the second operand broadcasts only where the `broadcast` attribute says so, from
// `axis` on.
#pragma once

#include "ops/import.h"

namespace slipway {

// The second operand gets trailing axes of extent 1 so that numpy's rule lines it up; then EmitSame.
Status ImportExplicitBroadcast(ImportContext& context);
// PRelu before opset 7: a slope per channel, axis 1.
Status ImportOldPRelu(ImportContext& context);

}  // namespace slipway
