// Any bytes as a graph's text: parsed or refused; what is parsed prints as a text that parses to the same.
#include <cstdint>
#include <cstdlib>

#include "ir/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = slipway::ParseGraph({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  const std::string text = slipway::PrintGraph(*parsed);
  const auto again = slipway::ParseGraph(text);
  if (!again.ok() || slipway::PrintGraph(*again) != text) std::abort();
  return 0;
}
