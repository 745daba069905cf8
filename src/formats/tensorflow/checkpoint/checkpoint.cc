#include "formats/tensorflow/checkpoint/checkpoint.h"

#include <cstring>
#include <filesystem>
#include <protozero/pbf_reader.hpp>

#include "base/file.h"
#include "base/nearest.h"
#include "formats/tensorflow/checkpoint/bytes.h"
#include "formats/tensorflow/checkpoint/crc32c.h"
#include "formats/tensorflow/checkpoint/dtypes.h"
#include "formats/tensorflow/checkpoint/slices.h"

namespace slipway::tensorflow {
namespace {

using protozero::pbf_reader;
using Bytes = std::span<const uint8_t>;

constexpr size_t kMaxAxes = 64;
// Slices of one variable that a file may join into a tensor, so that hostile ones end.
constexpr size_t kMaxSlices = 65536;
// Smaller constants are copied rather than looked at where they lie, as a graph's own are.
constexpr size_t kMinAliasedBytes = 4096;

Status Damaged(const std::string& what) {
  return Status(Code::kInvalidModel, "the checkpoint is damaged: " + what,
                "export or download the model again");
}

// TensorShapeProto.
Result<Dims> DecodeDims(pbf_reader shape) {
  Dims dims;
  while (shape.next()) {
    if (shape.tag() != 2) {
      shape.skip();
      continue;
    }
    pbf_reader dim = shape.get_message();
    int64_t extent = 0;
    while (dim.next()) {
      if (dim.tag() == 1) {
        extent = dim.get_int64();
      } else {
        dim.skip();
      }
    }
    dims.push_back(extent);
    if (dims.size() > kMaxAxes) return Damaged("a tensor has more than 64 axes");
  }
  return dims;
}

// TensorSliceProto.
Slice DecodeSlice(pbf_reader message) {
  Slice slice;
  while (message.next()) {
    if (message.tag() != 1 || slice.size() > kMaxAxes) {
      message.skip();
      continue;
    }
    pbf_reader one = message.get_message();
    SliceExtent extent;
    while (one.next()) {
      switch (one.tag()) {
        case 1: extent.start = one.get_int64(); break;
        case 2: extent.length = one.get_int64(); break;
        default: one.skip();
      }
    }
    slice.push_back(extent);
  }
  return slice;
}

Result<std::vector<Slice>> DecodeSlices(const std::string& entry) {
  std::vector<Slice> slices;
  pbf_reader message(entry);
  while (message.next(7)) {
    slices.push_back(DecodeSlice(message.get_message()));
    if (slices.size() > kMaxSlices) return Damaged("a variable has more than 65536 slices");
  }
  return slices;
}

struct Header {
  int64_t num_shards = 0;
  int64_t endianness = 0;  // 0: little
};

Header DecodeHeader(const std::string& bytes) {
  Header header;
  pbf_reader message(bytes);
  while (message.next()) {
    switch (message.tag()) {
      case 1: header.num_shards = message.get_int32(); break;
      case 2: header.endianness = message.get_enum(); break;
      default: message.skip();
    }
  }
  return header;
}

std::string ShardSuffix(int64_t shard, int64_t of) {
  char text[64];
  std::snprintf(text, sizeof(text), "data-%05lld-of-%05lld", static_cast<long long>(shard),
                static_cast<long long>(of));
  return text;
}

}  // namespace

Result<Checkpoint> Checkpoint::Open(const std::string& prefix) {
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile index, MappedFile::Open(prefix + ".index"));
  const auto open = [prefix](const std::string& suffix) -> Result<Shard> {
    SLIPWAY_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(prefix + "." + suffix));
    return Shard{file.bytes(), file.owner()};
  };
  auto checkpoint = Read(index.bytes(), open);
  if (!checkpoint.ok()) return checkpoint.status().WithContext("'" + prefix + ".index'");
  return checkpoint;
}

Result<Checkpoint> Checkpoint::Read(Bytes index, OpenShard open, Checksums checksums) {
  Checkpoint checkpoint;
  SLIPWAY_ASSIGN_OR_RETURN(checkpoint.entries_, ReadTable(index, checksums));
  const auto header_entry = checkpoint.entries_.find("");
  if (header_entry == checkpoint.entries_.end()) return Damaged("its index has no header");
  try {
    const Header header = DecodeHeader(header_entry->second);
    if (header.endianness != 0)
      return Status(Code::kUnsupported, "the checkpoint is big-endian", "write it on a usual machine");
    if (header.num_shards < 1)
      return Damaged("its header counts " + std::to_string(header.num_shards) + " data files");
    checkpoint.num_shards_ = header.num_shards;
  } catch (const protozero::exception&) {
    return Damaged("its header is no message");
  }
  checkpoint.entries_.erase(header_entry);
  checkpoint.open_ = std::move(open);
  checkpoint.checksums_ = checksums;
  checkpoint.shards_ = std::make_shared<std::map<int64_t, Shard>>();
  return checkpoint;
}

std::vector<std::string> Checkpoint::Keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : entries_) {
    if (key[0] != '\0') keys.push_back(key);  // slices
  }
  return keys;
}

Result<Checkpoint::Entry> Checkpoint::DecodeEntry(const std::string& bytes) {
  Entry entry;
  pbf_reader message(bytes);
  while (message.next()) {
    switch (message.tag()) {
      case 1: entry.dtype = message.get_enum(); break;
      case 2: {
        SLIPWAY_ASSIGN_OR_RETURN(entry.dims, DecodeDims(message.get_message()));
        break;
      }
      case 3: entry.shard = message.get_int32(); break;
      case 4: entry.offset = message.get_int64(); break;
      case 5: entry.size = message.get_int64(); break;
      case 6: entry.crc = message.get_fixed32(); break;
      case 7:
        entry.has_slices = true;
        message.skip();
        break;
      default: message.skip();
    }
  }
  return entry;
}

Result<Tensor> Checkpoint::ReadTensor(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    const std::vector<std::string> keys = Keys();
    const std::vector<std::string_view> names(keys.begin(), keys.end());
    return Status(Code::kNotFound, "the checkpoint has no tensor '" + key + "'" + DidYouMean(key, names));
  }
  try {
    SLIPWAY_ASSIGN_OR_RETURN(const Entry entry, DecodeEntry(found->second));
    return entry.has_slices ? Join(key, found->second) : Load(key, entry);
  } catch (const protozero::exception&) {
    return Damaged("the entry of '" + key + "' is no message");
  }
}

Result<Tensor> Checkpoint::ReadTensor(const std::string& key, const std::string& slice_text) const {
  SLIPWAY_ASSIGN_OR_RETURN(Tensor whole, ReadTensor(key));
  if (slice_text.empty()) return whole;
  SLIPWAY_ASSIGN_OR_RETURN(const Slice slice, ParseSlice(slice_text));
  SLIPWAY_ASSIGN_OR_RETURN(const Dims extents, ExtentsOf(slice, whole.dims()));
  if (extents == whole.dims()) return whole;
  return CutSlice(whole, slice, extents);
}

Result<Tensor> Checkpoint::Load(const std::string& key, const Entry& entry) const {
  if (entry.shard < 0 || entry.shard >= num_shards_)
    return Damaged("'" + key + "' lies in data file " + std::to_string(entry.shard) + " of " +
                   std::to_string(num_shards_));
  auto shard = shards_->find(entry.shard);
  if (shard == shards_->end()) {
    SLIPWAY_ASSIGN_OR_RETURN(Shard opened, open_(ShardSuffix(entry.shard, num_shards_)));
    shard = shards_->emplace(entry.shard, std::move(opened)).first;
  }
  const auto& [bytes, owner] = shard->second;
  const auto have = static_cast<int64_t>(bytes.size());
  if (entry.offset < 0 || entry.size < 0 || entry.offset > have || entry.size > have - entry.offset) {
    return Damaged("'" + key + "' has " + std::to_string(entry.size) + " bytes at " +
                   std::to_string(entry.offset) + ", its data file " + std::to_string(have));
  }
  const Bytes content = bytes.subspan(static_cast<size_t>(entry.offset), static_cast<size_t>(entry.size));
  const DType dtype = DTypeFromTf(entry.dtype);
  if (dtype == DType::kNone)
    return Status(Code::kUnsupported, "'" + key + "' of the checkpoint has TensorFlow's dtype " +
                                          std::to_string(entry.dtype) + ", which is no tensor");
  if (dtype == DType::kString) return LoadStrings(key, entry, content);
  if (checksums_ == Checksums::kVerify && MaskedCrc(Crc32c(content)) != entry.crc)
    return Damaged("the checksum of '" + key + "' is wrong");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, ElementCount(entry.dims));
  if (BytesOf(dtype, count) != entry.size) {
    return Damaged("'" + key + "' is " + std::string(DTypeName(dtype)) + ToString(entry.dims) + " of " +
                   std::to_string(BytesOf(dtype, count)) + " bytes, but has " + std::to_string(entry.size));
  }
  const bool is_aligned = reinterpret_cast<uintptr_t>(content.data()) % 4 == 0 && owner != nullptr;
  if (is_aligned && content.size() >= kMinAliasedBytes)
    return Tensor(dtype, entry.dims, const_cast<uint8_t*>(content.data()), owner);
  Tensor tensor(dtype, entry.dims);
  if (!content.empty()) std::memcpy(tensor.data(), content.data(), content.size());
  return tensor;
}

// All lengths as varints, a checksum of them, then the texts.
Result<Tensor> Checkpoint::LoadStrings(const std::string& key, const Entry& entry, Bytes bytes) const {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, ElementCount(entry.dims));
  if (count > static_cast<int64_t>(bytes.size()))
    return Damaged("'" + key + "' holds " + std::to_string(count) + " strings in " +
                   std::to_string(bytes.size()) + " bytes");
  std::vector<uint64_t> lengths;
  for (int64_t i = 0; i < count; ++i) {
    const auto length = TakeVarint(bytes);
    if (!length) return Damaged("the strings of '" + key + "' are cut short");
    lengths.push_back(*length);
  }
  if (bytes.size() < 4) return Damaged("the strings of '" + key + "' are cut short");
  bytes = bytes.subspan(4);
  Tensor tensor(DType::kString, entry.dims);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > bytes.size()) return Damaged("the strings of '" + key + "' are cut short");
    const auto length = static_cast<size_t>(lengths[i]);
    tensor.as<std::string>()[i].assign(reinterpret_cast<const char*>(bytes.data()), length);
    bytes = bytes.subspan(length);
  }
  return tensor;
}

Result<Tensor> Checkpoint::Join(const std::string& key, const std::string& bytes) const {
  SLIPWAY_ASSIGN_OR_RETURN(const Entry whole, DecodeEntry(bytes));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Slice> slices, DecodeSlices(bytes));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, ElementCount(whole.dims));
  std::vector<Tensor> parts;
  int64_t num_covered = 0;
  for (const Slice& slice : slices) {
    SLIPWAY_ASSIGN_OR_RETURN(const Dims extents, ExtentsOf(slice, whole.dims));
    const auto found = entries_.find(SliceKey(key, slice));
    if (found == entries_.end()) return Damaged("'" + key + "' lacks a slice");
    SLIPWAY_ASSIGN_OR_RETURN(const Entry entry, DecodeEntry(found->second));
    SLIPWAY_ASSIGN_OR_RETURN(Tensor part, Load(key, entry));
    if (part.dims() != extents || DTypeFromTf(whole.dtype) != part.dtype())
      return Damaged("a slice of '" + key + "' is " + Describe(part) + ", expected " + ToString(extents));
    // Slices do not overlap: more elements than the whole has are a hostile file's.
    if (part.count() > count - num_covered) return Damaged("the slices of '" + key + "' overlap");
    num_covered += part.count();
    parts.push_back(std::move(part));
  }
  if (num_covered != count) return Damaged("the slices of '" + key + "' do not cover it");
  Tensor joined(DTypeFromTf(whole.dtype), whole.dims);
  for (size_t i = 0; i < parts.size(); ++i) CopyIntoSlice(parts[i], slices[i], joined);
  return joined;
}

}  // namespace slipway::tensorflow
