// Fuzz entry: any text as a TF.js model.json whose shards hold a kilobyte each.
#include "formats/tensorflow/import.h"
#include "formats/tensorflow/tfjs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto shard = [](const std::string&) -> slipway::Result<std::string> {
    return std::string(1024, '\1');
  };
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto graph = slipway::tensorflow::ParseTfjsModel(text, shard);
  if (graph.ok()) (void)slipway::tensorflow::ImportGraph(*graph, {});
  return 0;
}
