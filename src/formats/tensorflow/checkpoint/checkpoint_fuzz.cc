// Fuzz entry: four bytes with the length of an index (little endian), the index, then the bytes of every data
// file. Checksums are not looked at: no mutation would keep them.
#include <algorithm>

#include "formats/tensorflow/checkpoint/bytes.h"
#include "formats/tensorflow/checkpoint/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using slipway::tensorflow::Checkpoint;
  if (size < 4) return 0;
  const std::span<const uint8_t> all(data + 4, size - 4);
  const size_t length = std::min<size_t>(slipway::tensorflow::LoadU32({data, size}, 0), all.size());
  const auto shard = [&](const std::string&) -> slipway::Result<Checkpoint::Shard> {
    return Checkpoint::Shard{all.subspan(length), nullptr};
  };
  const auto checkpoint = Checkpoint::Read(all.first(length), shard, slipway::tensorflow::Checksums::kIgnore);
  if (!checkpoint.ok()) return 0;
  for (const std::string& key : checkpoint->Keys()) {
    (void)checkpoint->ReadTensor(key);
    (void)checkpoint->ReadTensor(key, "4 4 0,2:1,3");
  }
  return 0;
}
