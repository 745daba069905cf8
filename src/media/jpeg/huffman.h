// Private to media: tables that give a coefficient, and often the next one with it, for the bits that come
// next.
//
// A code and the bits of its value after it are consumed in one step. What a step gives does not depend on
// which of its cases it is, so that the decoder has nothing to branch on but the end of the block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "media/jpeg/frame.h"

namespace slipway::media::jpeg {

// Codes up to this length are looked up, with all tables of a file in the first cache. Longer ones are rare.
constexpr int kAcBits = 11;
constexpr int kDcBits = 9;

// Baseline's limits. A symbol beyond them ends the decoding.
constexpr int kMaxAcSize = 10;
constexpr int kMaxDcSize = 11;

// Codes beyond a table's bits, by comparison with where each length ends.
struct LongCodes {
  std::array<uint32_t, 17> end{};    // [bits]: after the last code of that length, aligned at 16 bits
  std::array<int32_t, 17> offset{};  // [bits]: what a code of that length has to add to be an index
  std::array<uint8_t, 256> symbols{};

  struct Found {
    int bits = 0;  // 0: no code
    uint8_t symbol = 0;
  };
  // next: the next 16 bits.
  Found Find(uint32_t next) const {
    for (int bits = 1; bits <= 16; ++bits) {
      if (next >= end[static_cast<size_t>(bits)]) continue;
      const auto index = static_cast<int32_t>(next >> (16 - bits)) + offset[static_cast<size_t>(bits)];
      return {.bits = bits, .symbol = symbols[static_cast<size_t>(index) & 255]};
    }
    return {};
  }
};

// One step: up to two coefficients. k is the zigzag position of the first that is not known yet.
//
//  0: bits consumed   8: k's advance        16: place of the first coefficient, less k   24: of the second
// 32: bits of the first code   40: 63 - bits of the first value   48: the second value, 16 bits
//
// The first value has to be taken from the bits; a coefficient that is not there is a zero at a place that is
// zero. `k's advance` tells the end of the block and what is not in the table from everything else.
struct AcEntry {
  static constexpr uint32_t kSpecial = 96;      // nothing consumed: a long code or none
  static constexpr uint32_t kEndOfBlock = 160;  // added to the advance before it

  static constexpr uint32_t BitCount(uint64_t e) { return e & 63; }
  static constexpr uint32_t Advance(uint64_t e) { return (e >> 8) & 0xFF; }
  static constexpr uint32_t FirstPlace(uint64_t e) { return (e >> 16) & 0xFF; }
  static constexpr uint32_t SecondPlace(uint64_t e) { return (e >> 24) & 0xFF; }
  static constexpr uint32_t CodeBits(uint64_t e) { return (e >> 32) & 63; }
  static constexpr uint32_t ValueShift(uint64_t e) { return (e >> 40) & 63; }
  static constexpr int16_t SecondValue(uint64_t e) { return static_cast<int16_t>(e >> 48); }
  // Bits of the first symbol alone.
  static constexpr uint32_t FirstBits(uint64_t e) { return CodeBits(e) + 63 - ValueShift(e); }
};

struct AcTable {
  std::array<uint64_t, size_t{1} << kAcBits> entries;
  LongCodes codes;
};

// 0: bits of the code, 0 for a long code or none   8: bits of the value
struct DcTable {
  std::array<uint16_t, size_t{1} << kDcBits> entries;
  LongCodes codes;
};

// A value of `bits` bits as the standard stores it: below half of the range stand the negative ones.
constexpr int32_t Extend(uint32_t value, int bits) {
  return bits != 0 && value >> (bits - 1) == 0 ? static_cast<int32_t>(value) - (1 << bits) + 1
                                               : static_cast<int32_t>(value);
}

// Position k of a zigzag may run past the block by this much within one step.
constexpr size_t kMaxStep = 64;

// Both false where the lengths make no prefix code.
bool MakeAcTable(const HuffmanSpec& spec, AcTable* table);
bool MakeDcTable(const HuffmanSpec& spec, DcTable* table);

}  // namespace slipway::media::jpeg
