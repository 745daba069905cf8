// NumPy's .npy and .npz files (formats 1.0 to 3.0, little-endian, C or Fortran order).
//
// Source: numpy.lib.format's specification. .npz is a zip of .npy files, stored or deflated. Structured and
// object arrays, and strings in
// Fortran order, are refused.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "slipway/tensor.h"

namespace slipway {

// Bounded: the header, the shape and the data are checked against the bytes that are there.
Result<Tensor> ParseNpy(std::span<const uint8_t> bytes);
Result<Tensor> ReadNpy(const std::string& path);
// Strings are written as NumPy's "<U". bf16, sub-byte and 8-bit float tensors have no .npy form: an error
// names the dtype.
Result<std::string> FormatNpy(const Tensor& tensor);
Status WriteNpy(const std::string& path, const Tensor& tensor);

Result<std::map<std::string, Tensor>> ReadNpz(const std::string& path);
// Stored, not compressed; in the order given.
Status WriteNpz(const std::string& path, const std::vector<std::pair<std::string, Tensor>>& arrays);

}  // namespace slipway
