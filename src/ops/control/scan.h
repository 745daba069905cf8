// Rows of Scan that stand in a file of their own.
#pragma once

#include "ops/import.h"

namespace slipway {

// ONNX, opset 8.
Status ImportBatchedScan(ImportContext& context);

}  // namespace slipway
