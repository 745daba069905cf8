// Fuzz entry: any text as the model.json of a layers model. A shard holds as many bytes as the number at the
// end of its path says.
#include <cstdlib>

#include "formats/keras/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto shards = slipway::ShardsOf([](const std::string& path) -> slipway::Result<std::string> {
    const size_t start = path.find_last_not_of("0123456789") + 1;
    return std::string(static_cast<size_t>(std::atoi(path.substr(start, 4).c_str())), '\1');
  });
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)slipway::keras::ImportModelJson(text, shards, {});
  return 0;
}
