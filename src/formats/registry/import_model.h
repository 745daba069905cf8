// Imports a model file of any format that Slipway knows.
#pragma once

#include "formats/model.h"
#include "formats/sniff.h"

namespace slipway {

// Maps the file and recognises it.
Result<FileKind> KindOfFile(const std::string& path);

// Recognises the file by its content and imports it. `path` may also be the folder of a SavedModel or
// TensorFlow.js model. Errors: kNotFound, kIo; kInvalidModel: not a model, broken or inconsistent;
// kUnsupported: a model of a kind that Slipway lacks, or operators that it lacks (all of them listed);
// kUsage: options that do not fit the model, and .slip files, which are not imported but loaded (see plan/).
Result<ImportedModel> ImportModel(const std::string& path, const ImportOptions& options = {});
// The same for a file that is mapped already (`file.path` still leads to side files).
Result<ImportedModel> ImportModel(const ModelFile& file, const ImportOptions& options = {});

}  // namespace slipway
