// Fuzz entry: any bytes as a GraphDef in text form, decoded and imported.
#include "formats/tensorflow/graph_def.h"
#include "formats/tensorflow/graph_text.h"
#include "formats/tensorflow/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = slipway::tensorflow::EncodeGraphText({reinterpret_cast<const char*>(data), size});
  if (!bytes.ok()) return 0;
  const auto graph = slipway::tensorflow::DecodeGraphDef(
      {reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()}, nullptr);
  if (graph.ok()) (void)slipway::tensorflow::ImportGraph(*graph, {});
  return 0;
}
