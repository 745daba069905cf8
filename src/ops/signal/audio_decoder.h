// The door through which sound is decoded. This layer knows no formats of sound: who links them (the public
// API, test programs) installs them here once.
#pragma once

#include <cstdint>
#include <span>

#include "slipway/status.h"
#include "slipway/tensor.h"

namespace slipway {

struct DecodedAudio {
  Tensor samples;            // f32[samples,channels], in [-1,1)
  uint32_t sample_rate = 0;  // samples per second and channel
};

using AudioDecodeFn = Result<DecodedAudio> (*)(std::span<const uint8_t> bytes);

// Thread-safe; the last one installed is used.
void InstallAudioDecoder(AudioDecodeFn decode);

}  // namespace slipway
