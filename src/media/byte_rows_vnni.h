// Private to byte_rows: PIL's filter across with AVX-512's VNNI and VBMI, four output pixels at once.
//
// A weight of 22 bits is three signed digits of 8 bits: VNNI multiplies bytes by them, four taps in one lane,
// and their sums are put together at the end. As sums of 32 bits are, that is exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "media/byte_taps.h"

namespace slipway::media {

// An axis as VNNI takes it. Outputs are in groups of four, taps in steps of four.
struct VnniTaps {
  // Bytes that are read behind a row, and that are written behind its result.
  static constexpr size_t kReadBehind = 64;
  static constexpr size_t kWrittenBehind = 16;

  static constexpr size_t kOutputs = 4;
  static constexpr size_t kTaps = 4;
  static constexpr size_t kDigits = 3;

  struct alignas(16) Weights {
    int8_t digits[kDigits][kOutputs][kTaps] = {};
  };
  // Where a step's samples are in the vector that was loaded for them.
  struct alignas(64) Places {
    uint8_t from[4][kOutputs][kTaps] = {};  // [channel]
  };

  size_t channels = 0;
  size_t steps = 0;
  std::vector<size_t> first;     // bytes into the row; groups are whole
  std::vector<Weights> weights;  // [group][step]
  bool is_near = true;           // a group's windows are within one vector, which is loaded at once
  std::vector<Places> places;    // [group], or one for all where windows are loaded one by one
  alignas(16) uint8_t interleaved[16] = {};  // where pixels' bytes are in [channel][output]
};

// REQUIRES: at least one output; channels is 3 or 4; no weight is beyond 127 * 2^16 either way, where three
// digits end.
VnniTaps MakeVnniTaps(const ByteTaps& from, int channels);

// REQUIRES: the processor has AVX-512 with VNNI and VBMI, as all of Highway's target AVX3_DL have.
void AcrossPilVnni(const VnniTaps& taps, const uint8_t* row, uint8_t* out);

}  // namespace slipway::media
