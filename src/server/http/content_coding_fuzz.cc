// libFuzzer entry: a line of Content-Encoding, Accept-Encoding and Accept, and the bytes behind it as a body;
// and every input survives being encoded and decoded.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "server/http/accept.h"
#include "server/http/content_coding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway::server;  // NOLINT: the whole program
  constexpr size_t kMaxBytes = 100'000;
  constexpr std::array<std::string_view, 2> kOffers = {"application/json", "image/png"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), size);
  const std::string_view line = text.substr(0, end);
  const auto decoded = Decode(line, Body::Of(text.substr(std::min(end + 1, size))), kMaxBytes);
  if (decoded.ok() && decoded->size() > kMaxBytes) __builtin_trap();
  const std::string_view type = Negotiate(line, kOffers);
  if (!type.empty() && std::ranges::find(kOffers, type) == kOffers.end()) __builtin_trap();
  (void)Negotiate(line);
  for (const Coding coding : {Coding::kGzip, Coding::kDeflate}) {
    const auto again = Decode(CodingName(coding), Body::Of(*Encode(coding, text)), size);
    if (!again.ok() || again->text() != text) __builtin_trap();
  }
  return 0;
}
