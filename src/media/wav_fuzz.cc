// libFuzzer entry: any bytes as a WAV; of what is read, every sample.
#include <cstddef>
#include <cstdint>

#include "media/wav.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto wav = slipway::media::ReadWav({data, size});
  if (!wav.ok()) return 0;
  int64_t sum = 0;
  for (int64_t frame = 0; frame < wav->frames; ++frame) {
    for (int channel = 0; channel < wav->channels; ++channel) sum += wav->At(frame, channel);
  }
  const auto samples = wav->frames * wav->channels;
  if (static_cast<size_t>(2 * samples) != wav->pcm.size() || sum < -32768 * samples) __builtin_trap();
  return 0;
}
