// Reads number vectors of FlatBuffers files that may be hostile.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <bit>
#include <cstring>
#include <vector>

namespace slipway {

// All elements; none for null. FlatBuffers 2.0.8 verifies that a vector's length is aligned, not that its
// elements of 8 bytes are, so they are copied as bytes.
template <class T>
std::vector<T> ElementsOf(const flatbuffers::Vector<T>* vector) {
  static_assert(std::endian::native == std::endian::little, "FlatBuffers are little-endian");
  std::vector<T> elements(vector == nullptr ? 0 : vector->size());
  if (!elements.empty()) std::memcpy(elements.data(), vector->Data(), elements.size() * sizeof(T));
  return elements;
}

}  // namespace slipway
