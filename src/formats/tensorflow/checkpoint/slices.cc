#include "formats/tensorflow/checkpoint/slices.h"

#include <charconv>

#include "ops/shape/strided.h"

namespace slipway::tensorflow {
namespace {

// --- Ordered code (tensorflow/core/lib/strings/ordered_code.cc): bytes that sort as the values do ---

void AppendNumber(std::string& key, uint64_t number) {
  std::string digits;
  for (; number != 0; number >>= 8) digits.insert(digits.begin(), static_cast<char>(number & 255));
  key += static_cast<char>(digits.size());
  key += digits;
}

void AppendText(std::string& key, const std::string& text) {
  for (char c : text) {
    key += c;
    if (c == '\0') key += '\xff';
    if (c == '\xff') key += '\0';
  }
  key += '\0';
  key += '\1';
}

// n bytes hold 7n-1 bits; the first bits count the bytes, inverted for negative numbers.
void AppendSigned(std::string& key, int64_t number) {
  const uint64_t magnitude = number < 0 ? ~static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  size_t length = 1;
  while (length < 10 && (magnitude >> (7 * length - 1)) != 0) ++length;
  std::string bytes(length, number < 0 ? '\xff' : '\0');
  for (size_t i = 0; i < length && i < 8; ++i)
    bytes[length - 1 - i] = static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
  const unsigned mask = length < 8 ? (0xffU << (8 - length)) & 0xffU : 0xffU;
  bytes[0] = static_cast<char>(bytes[0] ^ static_cast<char>(mask));
  if (length == 9) bytes[1] = static_cast<char>(bytes[1] ^ '\x80');
  if (length == 10) bytes[1] = static_cast<char>(bytes[1] ^ '\xc0');
  key += bytes;
}

Status BadSlice(const std::string& text) {
  return Status(Code::kInvalidModel, "'" + text + "' is no slice of a variable");
}

int64_t OffsetOf(const Slice& slice, const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < slice.size(); ++i) offset += slice[i].start * strides[i];
  return offset;
}

}  // namespace

std::string SliceKey(const std::string& name, const Slice& slice) {
  std::string key;
  AppendNumber(key, 0);
  AppendText(key, name);
  AppendNumber(key, slice.size());
  for (const SliceExtent& extent : slice) {
    AppendSigned(key, extent.start);
    AppendSigned(key, extent.length);
  }
  return key;
}

Result<Slice> ParseSlice(const std::string& text) {
  const size_t space = text.rfind(' ');
  std::string_view rest = std::string_view(text).substr(space == std::string::npos ? 0 : space + 1);
  Slice slice;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    SliceExtent extent;
    if (one != "-") {
      const char* end = one.data() + one.size();
      const auto start = std::from_chars(one.data(), end, extent.start);
      if (start.ec != std::errc() || start.ptr == end || *start.ptr != ',') return BadSlice(text);
      const auto length = std::from_chars(start.ptr + 1, end, extent.length);
      if (length.ec != std::errc() || length.ptr != end) return BadSlice(text);
      if (extent.start < 0 || extent.length < 0) return BadSlice(text);
    }
    slice.push_back(extent);
  }
  return slice;
}

Result<Dims> ExtentsOf(const Slice& slice, const Dims& dims) {
  bool fits = slice.size() == dims.size();
  Dims extents;
  for (size_t i = 0; fits && i < dims.size(); ++i) {
    const SliceExtent& extent = slice[i];
    fits = extent.start >= 0 && extent.start <= dims[i] && extent.length <= dims[i] - extent.start;
    extents.push_back(extent.length < 0 ? dims[i] - extent.start : extent.length);
  }
  if (!fits) return Status(Code::kInvalidModel, "a slice reaches outside " + ToString(dims));
  return extents;
}

void CopyIntoSlice(const Tensor& part, const Slice& slice, Tensor& whole) {
  const std::vector<int64_t> strides = DenseStrides(whole.dims());
  CopyStrided(whole.dtype(), part.data(), {0, DenseStrides(part.dims())}, whole.data(),
              {OffsetOf(slice, strides), strides}, part.dims());
}

Tensor CutSlice(const Tensor& whole, const Slice& slice, const Dims& extents) {
  const std::vector<int64_t> strides = DenseStrides(whole.dims());
  Tensor part(whole.dtype(), extents);
  CopyStrided(whole.dtype(), whole.data(), {OffsetOf(slice, strides), strides}, part.data(),
              {0, DenseStrides(extents)}, extents);
  return part;
}

}  // namespace slipway::tensorflow
