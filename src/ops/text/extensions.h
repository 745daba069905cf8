// What records share that read operators of onnxruntime-extensions.
#pragma once

#include <string>
#include <vector>

#include "ops/import.h"
#include "ops/run.h"

namespace slipway {

// The library registers every operator in two domains, at one version.
ForeignRows ExtensionRows(const std::string& op, ImportFn import = nullptr);

// The string attribute `name`, a vocabulary or a model, as a constant u8[bytes]: an operand, so that it is
// stored as weights are, and once.
Result<ValueId> BytesOfAttr(ImportContext& context, std::string_view name);

// Those of the foreign node's attributes that the record knows.
Attrs KnownAttrs(const ImportContext& context);

inline std::span<const uint8_t> BytesOf(const Tensor& tensor) { return tensor.values<uint8_t>(); }

// RGB or BGR, as the attribute `color_space` of the library's image operators says; theirs is BGR.
Result<std::string> PixelOrderOf(const ImportContext& context);

// The text as code points; an error where it is not UTF-8.
Result<std::u32string> CodesOf(const RunContext& context, const std::string& text);

// Writes values as a vector to output i, where there is one.
void PutInts(const RunContext& context, size_t i, const std::vector<int64_t>& values);

}  // namespace slipway
