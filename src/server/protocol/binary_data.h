// A tensor's elements as bytes, as the binary tensor data extension has them: little-endian, row-major,
// without gaps; strings (BYTES) are each their length in four bytes, then their bytes.
//
// Source: Triton's docs/protocol/extension_binary_data.md. Machines whose own order is another are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "slipway/tensor.h"

namespace slipway::server {

// The header that tells where the JSON ends and the bytes start.
inline constexpr std::string_view kInferenceHeaderLength = "Inference-Header-Content-Length";

// Looks at `bytes`, which `owner` keeps alive, where they lie; those that are not aligned are copied when
// they are first read. Strings are copied. `bytes` must be exactly those of the shape. BOOL is 0 or 1.
Result<Tensor> TensorFromBinary(std::span<const uint8_t> bytes, DType dtype, Dims dims,
                                std::shared_ptr<const void> owner);

// Fails for a string whose length four bytes can't tell.
Result<size_t> BinarySizeOf(const Tensor& tensor);
// REQUIRES: BinarySizeOf(tensor) is OK.
void AppendBinary(const Tensor& tensor, std::string& out);

}  // namespace slipway::server
