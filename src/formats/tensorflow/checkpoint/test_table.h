// For tests: sorted tables and checkpoints, written as TensorFlow writes them.
#pragma once

#include <snappy.h>

#include <map>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "formats/tensorflow/checkpoint/checkpoint.h"
#include "formats/tensorflow/checkpoint/crc32c.h"
#include "formats/tensorflow/checkpoint/slices.h"
#include "formats/tensorflow/test_graph.h"

namespace slipway::tensorflow {

inline std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}

inline void PutU32(std::string& out, uint32_t value) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
}

using Entries = std::vector<std::pair<std::string, std::string>>;

// Appends a block of these entries, in this order; its handle.
inline std::string PutBlock(std::string& file, const Entries& entries, bool is_compressed = false) {
  std::string block;
  std::string last;
  for (const auto& [key, value] : entries) {
    size_t shared = 0;
    while (shared < key.size() && shared < last.size() && key[shared] == last[shared]) ++shared;
    PutVarint(block, shared);
    PutVarint(block, key.size() - shared);
    PutVarint(block, value.size());
    block += key.substr(shared) + value;
    last = key;
  }
  PutU32(block, 0);  // the one restart
  PutU32(block, 1);
  if (is_compressed) {
    std::string packed;
    snappy::Compress(block.data(), block.size(), &packed);
    block = packed;
  }
  std::string handle;
  PutVarint(handle, file.size());
  PutVarint(handle, block.size());
  block += is_compressed ? '\1' : '\0';
  file += block;
  PutU32(file, MaskedCrc(Crc32c(BytesOf(block))));
  return handle;
}

// The index of these blocks and the footer.
inline void PutEnd(std::string& file, const Entries& index) {
  std::string footer = PutBlock(file, {}) + PutBlock(file, index);
  footer.resize(40);
  PutU32(footer, 0x8b80fb57U);
  PutU32(footer, 0xdb477524U);
  file += footer;
}

// A table of one block.
inline std::string TableOf(const std::map<std::string, std::string>& entries, bool is_compressed = false) {
  std::string file;
  const std::string handle = PutBlock(file, Entries(entries.begin(), entries.end()), is_compressed);
  PutEnd(file, {{entries.empty() ? "" : entries.rbegin()->first, handle}});
  return file;
}

// A checkpoint of one data file under construction.
struct TestCheckpoint {
  std::map<std::string, std::string> entries = {{"", std::string("\x08\x01", 2)}};
  std::string data;

  // BundleEntryProto of `tensor`, whose bytes are appended. `number`: TensorFlow's dtype.
  std::string Put(int number, const Tensor& tensor) {
    const std::string bytes(static_cast<const char*>(tensor.data()),
                            static_cast<size_t>(tensor.size_bytes()));
    return PutBytes(number, tensor.dims(), bytes, Crc32c(BytesOf(bytes)));
  }
  std::string PutBytes(int number, const Dims& dims, const std::string& bytes, uint32_t crc) {
    std::string entry;
    protozero::pbf_writer writer(entry);
    writer.add_enum(1, number);
    writer.add_message(2, ShapeProto(dims));
    writer.add_int64(4, static_cast<int64_t>(data.size()));
    writer.add_int64(5, static_cast<int64_t>(bytes.size()));
    writer.add_fixed32(6, MaskedCrc(crc));
    data += bytes;
    return entry;
  }

  // This object must outlive the result.
  Result<Checkpoint> Read() const {
    const auto open = [this](const std::string& suffix) -> Result<Checkpoint::Shard> {
      if (suffix != "data-00000-of-00001") return Status(Code::kNotFound, "no file " + suffix);
      return Checkpoint::Shard{BytesOf(data), nullptr};
    };
    return Checkpoint::Read(BytesOf(TableOf(entries)), open);
  }
};

}  // namespace slipway::tensorflow
