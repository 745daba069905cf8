// libFuzzer entry: any bytes as an image; headers, decoding with both tolerances, and a resize of what came
// out.
#include <cstddef>
#include <cstdint>

#include "media/image_io.h"
#include "media/resize.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway::media;  // NOLINT: the whole program
  const DecodeLimits limits{.max_pixels = 1 << 16, .max_bytes = 1 << 20};
  const std::span<const uint8_t> bytes(data, size);
  const auto info = ReadImageInfo(bytes, limits);
  const auto strict = DecodeImage(bytes, {.limits = limits});
  const auto lenient =
      DecodeImage(bytes, {.color = DecodeColor::kGrey, .damage = DecodeDamage::kKeep, .limits = limits});
  // Whatever decodes has a valid header and holds the pixels it promises.
  if ((strict.ok() && !lenient.ok()) || (lenient.ok() && !info.ok())) __builtin_trap();
  if (lenient.ok() && !lenient->IsValid()) __builtin_trap();
  if (strict.ok() && !Resize(*strict, 7, 5).ok()) __builtin_trap();
  return 0;
}
