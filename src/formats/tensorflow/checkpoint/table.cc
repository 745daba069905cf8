#include "formats/tensorflow/checkpoint/table.h"

#include <snappy.h>

#include "formats/tensorflow/checkpoint/bytes.h"
#include "formats/tensorflow/checkpoint/crc32c.h"

namespace slipway::tensorflow {
namespace {

using Bytes = std::span<const uint8_t>;
using Table = std::map<std::string, std::string>;

constexpr size_t kFooterBytes = 48;
constexpr size_t kTrailerBytes = 5;  // compression, checksum
constexpr uint32_t kMagicLow = 0x8b80fb57U, kMagicHigh = 0xdb477524U;
// What keys that share their beginnings, and snappy, may make of a small file.
constexpr size_t kMaxExpandedBytes = size_t{1} << 26;

Status Damaged(const std::string& what) {
  return Status(Code::kInvalidModel, "the checkpoint's index is damaged: " + what,
                "export or download the model again");
}

struct Handle {
  uint64_t offset = 0;
  uint64_t size = 0;
};

std::optional<Handle> TakeHandle(Bytes& rest) {
  const auto offset = TakeVarint(rest);
  const auto size = offset ? TakeVarint(rest) : std::nullopt;
  if (!size) return std::nullopt;
  return Handle{*offset, *size};
}

class Reader {
 public:
  Reader(Bytes bytes, Checksums checksums) : bytes_(bytes), checksums_(checksums) {}

  Result<Table> Read() {
    if (bytes_.size() < kFooterBytes)
      return Damaged("it has " + std::to_string(bytes_.size()) + " bytes, its footer alone has 48");
    Bytes footer = bytes_.last(kFooterBytes);
    if (LoadU32(footer, 40) != kMagicLow || LoadU32(footer, 44) != kMagicHigh)
      return Damaged("its last 8 bytes are not those of a table; it may be cut short");
    const auto filters = TakeHandle(footer);
    const auto index = filters ? TakeHandle(footer) : std::nullopt;
    if (!index) return Damaged("its footer does not say where the index block is");
    Table table;
    uint64_t end_of_last = 0;
    Status status = ReadBlock(*index, [&](const std::string&, Bytes value) -> Status {
      const auto block = TakeHandle(value);
      if (!block) return Damaged("an entry of the index block leads nowhere");
      if (block->offset < end_of_last) return Damaged("its blocks overlap");
      end_of_last = block->offset + block->size;
      return ReadBlock(*block, [&](const std::string& key, Bytes content) -> Status {
        if (!table.empty() && table.rbegin()->first >= key) return Damaged("its keys are not in order");
        table.emplace_hint(table.end(), key,
                           std::string(reinterpret_cast<const char*>(content.data()), content.size()));
        return Status::Ok();
      });
    });
    if (!status.ok()) return status;
    return table;
  }

 private:
  Status Expand(size_t bytes) {
    if (bytes > kMaxExpandedBytes - expanded_) return Damaged("it would expand to more than 64 MiB");
    expanded_ += bytes;
    return Status::Ok();
  }

  // The content of a block; `storage` holds it where it was compressed.
  Result<Bytes> ContentOf(Handle handle, std::string& storage) {
    if (handle.offset > bytes_.size() || bytes_.size() - handle.offset < kTrailerBytes ||
        handle.size > bytes_.size() - handle.offset - kTrailerBytes) {
      return Damaged("a block of " + std::to_string(handle.size) + " bytes at " +
                     std::to_string(handle.offset) + " reaches past its end");
    }
    const Bytes block = bytes_.subspan(handle.offset, handle.size + kTrailerBytes);
    const Bytes content = block.first(handle.size);
    const uint32_t sum = Crc32c(block.first(handle.size + 1));  // the compression is summed too
    if (checksums_ == Checksums::kVerify && LoadU32(block, handle.size + 1) != MaskedCrc(sum))
      return Damaged("the checksum of the block at " + std::to_string(handle.offset) + " is wrong");
    const uint8_t compression = block[handle.size];
    if (compression == 0) return content;
    if (compression != 1)
      return Damaged("a block has the unknown compression " + std::to_string(compression));
    const auto* data = reinterpret_cast<const char*>(content.data());
    size_t size = 0;
    if (!snappy::GetUncompressedLength(data, content.size(), &size)) return Damaged("bad snappy data");
    SLIPWAY_RETURN_IF_ERROR(Expand(size));
    if (!snappy::Uncompress(data, content.size(), &storage)) return Damaged("bad snappy data");
    return Bytes(reinterpret_cast<const uint8_t*>(storage.data()), storage.size());
  }

  // Calls take(key, value) for every entry.
  template <class Take>
  Status ReadBlock(Handle handle, const Take& take) {
    std::string storage;
    SLIPWAY_ASSIGN_OR_RETURN(Bytes rest, ContentOf(handle, storage));
    if (rest.size() < 4) return Damaged("a block is too short");
    const uint64_t num_restarts = LoadU32(rest, rest.size() - 4);
    if (num_restarts > (rest.size() - 4) / 4) return Damaged("a block has too many restarts");
    rest = rest.first(rest.size() - 4 - static_cast<size_t>(num_restarts) * 4);
    std::string key;
    while (!rest.empty()) {
      const auto shared = TakeVarint(rest);
      const auto own = shared ? TakeVarint(rest) : std::nullopt;
      const auto size = own ? TakeVarint(rest) : std::nullopt;
      if (!size || *shared > key.size() || *own > rest.size() || *size > rest.size() - *own)
        return Damaged("an entry reaches past its block");
      SLIPWAY_RETURN_IF_ERROR(Expand(static_cast<size_t>(*shared)));
      key.resize(static_cast<size_t>(*shared));
      key.append(reinterpret_cast<const char*>(rest.data()), static_cast<size_t>(*own));
      rest = rest.subspan(static_cast<size_t>(*own));
      SLIPWAY_RETURN_IF_ERROR(take(key, rest.first(static_cast<size_t>(*size))));
      rest = rest.subspan(static_cast<size_t>(*size));
    }
    return Status::Ok();
  }

  Bytes bytes_;
  Checksums checksums_;
  size_t expanded_ = 0;
};

}  // namespace

Result<Table> ReadTable(Bytes bytes, Checksums checksums) { return Reader(bytes, checksums).Read(); }

}  // namespace slipway::tensorflow
