// Reads ONNX models: IR versions 1 to 13, opsets 1 to 27 as far as the operators' rows go.
#pragma once

#include "formats/model.h"
#include "formats/onnx/tensor_proto.h"

namespace slipway {

// See formats/registry/import_model.h for the contract.
Result<ImportedModel> ImportOnnx(const ModelFile& file, const ImportOptions& options);

// The same from memory, which `source.owner` keeps alive (null: constants are copied).
Result<ImportedModel> ImportOnnxBytes(std::string_view bytes, onnx::TensorSource source,
                                      const ImportOptions& options);

}  // namespace slipway
