// .slip files with their manifests.
#include "plan/parts.h"

namespace slipway {

Result<SlipModel> ParseSlip(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                            const SlipReadOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(SlipParts parts, ParseSlipParts(bytes, std::move(owner), options));
  if (!parts.manifest.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(parts.model.manifest, ParseManifest(parts.manifest));
  }
  return std::move(parts.model);
}

Result<SlipModel> ReadSlip(const std::string& path, const SlipReadOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  auto model = ParseSlip(file.bytes(), file.owner(), options);
  if (!model.ok()) return model.status().WithContext("'" + path + "'");
  return model;
}

}  // namespace slipway
