// Shared by the manifest's reader and writer: JSON values in between.
#pragma once

#include <nlohmann/json.hpp>

#include "manifest/manifest.h"

namespace slipway {

// Bounds size and nesting, allows // and /* */ comments; errors as for ParseManifest.
Result<nlohmann::json> ParseJsonText(std::string_view text);
Result<Manifest> ManifestFromJson(const nlohmann::json& object);
// Fields in documented order, those equal to their default left out.
nlohmann::ordered_json ManifestToJson(const Manifest& manifest);

}  // namespace slipway
