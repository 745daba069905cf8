#include "server/protocol/binary_data.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "server/protocol/datatype.h"

namespace slipway::server {
namespace {

static_assert(std::endian::native == std::endian::little);

using Length = uint32_t;  // in front of every string

Status Bad(std::string message) { return {Code::kInvalidInput, std::move(message)}; }

Status WrongSize(DType dtype, const Dims& dims, const std::string& needed, size_t size) {
  return Bad(std::string(DatatypeOf(dtype)) + ToString(dims) + " takes " + needed +
             " bytes, binary data has " + std::to_string(size));
}

Result<Tensor> ReadStrings(std::span<const uint8_t> bytes, Dims dims) {
  const int64_t count = CountOf(dims);
  // Before anything is allocated.
  if (static_cast<uint64_t>(count) > bytes.size() / sizeof(Length))
    return WrongSize(DType::kString, dims, "at least " + std::to_string(count) + " * 4", bytes.size());
  Tensor tensor(DType::kString, std::move(dims));
  const std::span<std::string> strings = tensor.values<std::string>();
  for (size_t i = 0; i < strings.size(); ++i) {
    if (bytes.size() < sizeof(Length))
      return Bad("binary data ends before element " + std::to_string(i) + " of " + std::to_string(count));
    Length length = 0;
    std::memcpy(&length, bytes.data(), sizeof(Length));
    bytes = bytes.subspan(sizeof(Length));
    if (length > bytes.size()) {
      return Bad("element " + std::to_string(i) + " has " + std::to_string(length) + " bytes, " +
                 std::to_string(bytes.size()) + " are left of the binary data");
    }
    strings[i].assign(reinterpret_cast<const char*>(bytes.data()), length);
    bytes = bytes.subspan(length);
  }
  if (!bytes.empty()) return Bad(std::to_string(bytes.size()) + " bytes are left behind the last element");
  return tensor;
}

// Kernels trust that a bool is one.
Status CheckBools(std::span<const uint8_t> bytes) {
  const auto bad = std::ranges::find_if(bytes, [](uint8_t byte) { return byte > 1; });
  if (bad == bytes.end()) return Status::Ok();
  return Bad("element " + std::to_string(bad - bytes.begin()) + " of BOOL is " + std::to_string(*bad) +
             ", not 0 or 1");
}

}  // namespace

Result<Tensor> TensorFromBinary(std::span<const uint8_t> bytes, DType dtype, Dims dims,
                                std::shared_ptr<const void> owner) {
  const auto count = ElementCount(dims);
  if (!count.ok()) return Bad(count.status().message());
  if (dtype == DType::kString) return ReadStrings(bytes, std::move(dims));
  const int64_t size = BytesOf(dtype, *count);
  if (static_cast<uint64_t>(size) != bytes.size())
    return WrongSize(dtype, dims, std::to_string(size), bytes.size());
  if (bytes.empty()) return Tensor(dtype, std::move(dims));
  if (dtype == DType::kBool) SLIPWAY_RETURN_IF_ERROR(CheckBools(bytes));
  const auto element_size = static_cast<uintptr_t>(BytesOf(dtype, 1));
  if (reinterpret_cast<uintptr_t>(bytes.data()) % element_size != 0)
    return Tensor::AtAnyAddress(dtype, std::move(dims), bytes.data(), std::move(owner));
  return Tensor(dtype, std::move(dims), const_cast<uint8_t*>(bytes.data()), std::move(owner));
}

Result<size_t> BinarySizeOf(const Tensor& tensor) {
  if (tensor.dtype() != DType::kString) return static_cast<size_t>(tensor.size_bytes());
  size_t size = 0;
  for (const std::string& text : tensor.values<std::string>()) {
    if (text.size() > std::numeric_limits<Length>::max())
      return Bad("a string of " + std::to_string(text.size()) + " bytes is too long for binary data");
    size += sizeof(Length) + text.size();
  }
  return size;
}

void AppendBinary(const Tensor& tensor, std::string& out) {
  if (tensor.count() == 0) return;
  if (tensor.dtype() != DType::kString) {
    out.append(static_cast<const char*>(tensor.bytes()), static_cast<size_t>(tensor.size_bytes()));
    return;
  }
  for (const std::string& text : tensor.values<std::string>()) {
    const auto length = static_cast<Length>(text.size());
    out.append(reinterpret_cast<const char*>(&length), sizeof(Length));
    out += text;
  }
}

}  // namespace slipway::server
