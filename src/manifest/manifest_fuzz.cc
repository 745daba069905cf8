// Any bytes: parsed or refused; what is parsed survives a round trip.
#include <cstdlib>

#include "manifest/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = slipway::ParseManifest({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  const std::string text = slipway::ToJson(*parsed);
  const auto again = slipway::ParseManifest(text);
  if (!again.ok() || slipway::ToJson(*again) != text) std::abort();
  return 0;
}
