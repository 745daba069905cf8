// TFLite model files to graphs.
//
// The main sub-graph becomes the graph; layouts stay as they are (NHWC), names are the tensors' own.
// Constants alias the file. Float16 and sparse weights are made plain f32 where the model would do so itself
// (DEQUANTIZE, DENSIFY of constants). If and While carry their sub-graphs as attributes `then_branch`,
// `else_branch`, `cond`, `body`. Variable tensors start at zero on each run. Metadata becomes the manifest.
#pragma once

#include "formats/model.h"

namespace slipway {

// Errors: kInvalidModel: damaged or inconsistent; kUnsupported: all operators that cannot be read, listed;
// kUsage: cuts that name no tensor. Cuts name tensors, or inputs and outputs of the model's signatures.
Result<ImportedModel> ImportTflite(const ModelFile& file, const ImportOptions& options);
// The same from memory; `owner` keeps the bytes alive as long as constants alias them.
Result<ImportedModel> ImportTflite(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                                   const ImportOptions& options);

}  // namespace slipway
