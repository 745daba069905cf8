// libFuzzer entry: any bytes as .wts text; no crash, no hang, no runaway memory; what is read survives a trip
// through the writer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "slipway/wts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto weights = slipway::ParseWts(bytes, "fuzz");
  if (!weights.ok()) return 0;
  const auto text = slipway::FormatWts(*weights);
  if (!text.ok()) std::abort();
  const auto again = slipway::ParseWts(*text, "again");
  if (!again.ok() || *slipway::FormatWts(*again) != *text) std::abort();
  return 0;
}
