#include "formats/tflite/metadata.h"

namespace slipway::tflite {

Result<std::optional<Manifest>> ReadMetadata(const TfliteFile&, const Graph&, std::vector<std::string>&) {
  return std::optional<Manifest>();
}

}  // namespace slipway::tflite
