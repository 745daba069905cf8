// The model's own metadata (TFLITE_METADATA and the files zipped behind the model) as a manifest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/tflite/model_file.h"
#include "manifest/manifest.h"

namespace slipway::tflite {

// None when the model has no metadata. Damaged metadata is noted, not an error: the model runs without.
// graph: the imported main sub-graph, for the names of inputs and outputs.
std::optional<Manifest> ReadMetadata(const TfliteFile& file, const Graph& graph,
                                     std::vector<std::string>& notes);

}  // namespace slipway::tflite
