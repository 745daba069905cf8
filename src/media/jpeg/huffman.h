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
  // next: the next 16 bits. Nothing for a code that a table of kTableBits has room for: what is there and was
  // not taken has no meaning.
  template <int kTableBits>
  Found Find(uint32_t next) const {
    if (next < end[kTableBits]) return {};
    for (int bits = kTableBits + 1; bits <= 16; ++bits) {
      if (next >= end[static_cast<size_t>(bits)]) continue;
      const auto index = static_cast<int32_t>(next >> (16 - bits)) + offset[static_cast<size_t>(bits)];
      return {.bits = bits, .symbol = symbols[static_cast<size_t>(index) & 255]};
    }
    return {};
  }
};

// One step: up to two coefficients. A coefficient that is not there is a zero at a place that is zero, or
// anything at kNowhere. k is the zigzag position of the first that is not known yet.
struct AcEntry {
  static constexpr uint8_t kSpecial = 96;      // as `advance`, nothing consumed: a long code or none
  static constexpr uint8_t kEndOfBlock = 160;  // added to the advance before it
  static constexpr uint8_t kNowhere = 64;      // a place past the block, wherever k is

  uint8_t bits = 0;     // consumed
  uint8_t advance = 0;  // of k. Tells the end of the block and what is not in the table from all else.
  uint8_t first = 0;    // place of the first coefficient, less k
  uint8_t second = 0;
  // Of the first symbol, as in DcEntry: its value has to be taken from the bits, the second one need not.
  uint8_t code_bits = 0;
  uint8_t value_shift = 0;
  int16_t second_value = 0;

  // Of the first symbol.
  uint32_t FirstBits() const { return code_bits + (64U - value_shift) % 64; }
};
static_assert(sizeof(AcEntry) == 8);

// Values whose first bit is 0 are negative: [64 - bits] has to be added to them.
constexpr std::array<int32_t, 64> MakeBiases() {
  std::array<int32_t, 64> biases{};
  for (int bits = 1; bits < 16; ++bits) biases[static_cast<size_t>(64 - bits)] = 1 - (1 << bits);
  return biases;
}
inline constexpr std::array<int32_t, 64> kBiases = MakeBiases();

struct AcTable {
  std::array<AcEntry, size_t{1} << kAcBits> entries;
  std::array<uint8_t, size_t{1} << kAcBits> bits;  // of the entries: what comes next waits for this alone
  LongCodes codes;
};

// Bits of the code, and the shift to the right that leaves the value.
struct DcEntry {
  uint8_t code_bits = 0;
  uint8_t value_shift = 0;
};

struct DcTable {
  std::array<DcEntry, size_t{1} << kDcBits> entries;
  std::array<uint8_t, size_t{1} << kDcBits> bits;  // consumed; 0 for a long code or none
  LongCodes codes;
};

// A value of `bits` bits as the standard stores it: below half of the range stand the negative ones.
constexpr int32_t Extend(uint32_t value, int bits) {
  return bits != 0 && value >> (bits - 1) == 0 ? static_cast<int32_t>(value) - (1 << bits) + 1
                                               : static_cast<int32_t>(value);
}

// Position k of a zigzag may run past the block by less than this within one step.
constexpr size_t kMaxStep = 256;

// Both false where the lengths make no prefix code, or libjpeg would refuse a symbol.
bool MakeAcTable(const HuffmanSpec& spec, AcTable* table);
bool MakeDcTable(const HuffmanSpec& spec, DcTable* table);

}  // namespace slipway::media::jpeg
