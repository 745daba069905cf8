// WAV: sound as 16-bit PCM in a RIFF file.
//
// Reads what TensorFlow's DecodeWav reads, and refuses what that refuses: models are trained on what it made
// of their files. Left out therefore: other widths than 16 bits, floating point, companded sound, the
// extensible format, and RIFF's padding of chunks of an odd size.
#pragma once

#include <cstdint>
#include <span>

#include "media/byte_order.h"
#include "slipway/status.h"

namespace slipway::media {

// Looks at the bytes it was read from, which must outlive it.
struct Wav {
  uint32_t sample_rate = 0;  // frames per second, as the file says; not checked
  int channels = 0;          // 1 or more
  int64_t frames = 0;
  std::span<const uint8_t> pcm;  // frames * channels samples, interleaved, little-endian

  int16_t At(int64_t frame, int channel) const {
    return static_cast<int16_t>(LoadLe16(pcm.data() + 2 * (frame * channels + channel)));
  }
};

// Errors: kInvalidInput, saying what stands in the file and what was expected.
Result<Wav> ReadWav(std::span<const uint8_t> bytes);

}  // namespace slipway::media
