// Fuzz entry: any bytes as a GraphDef, decoded and imported.
#include "formats/tensorflow/graph_def.h"
#include "formats/tensorflow/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = slipway::tensorflow::DecodeGraphDef({data, size}, nullptr);
  if (graph.ok()) (void)slipway::tensorflow::ImportGraph(*graph, {});
  return 0;
}
