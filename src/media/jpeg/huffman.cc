// Source: ITU T.81, annexes C (codes from lengths) and F.2.2 (what symbols mean).
#include "media/jpeg/huffman.h"

#include <algorithm>

namespace slipway::media::jpeg {
namespace {

constexpr uint8_t kEob = 0x00;
constexpr uint8_t kZrl = 0xF0;

// What stands at each prefix of kBits bits: a code and its symbol; no bits where the code is longer, or none.
template <int kBits>
using Prefixes = std::array<LongCodes::Found, size_t{1} << kBits>;

template <int kBits>
bool MakeCodes(const HuffmanSpec& spec, LongCodes* codes, Prefixes<kBits>* prefixes) {
  codes->symbols = spec.symbols;
  prefixes->fill({});
  uint32_t code = 0;
  int32_t index = 0;
  for (int bits = 1; bits <= 16; ++bits, code *= 2) {
    const auto length = static_cast<size_t>(bits);
    const uint32_t count = spec.counts[length - 1];
    if (code + count > uint32_t{1} << bits) return false;
    codes->offset[length] = index - static_cast<int32_t>(code);
    for (uint32_t i = 0; i < count && bits <= kBits; ++i) {
      const size_t width = size_t{1} << (kBits - bits);
      std::fill_n(prefixes->begin() + static_cast<ptrdiff_t>((code + i) * width), width,
                  LongCodes::Found{bits, spec.symbols[static_cast<size_t>(index) + i]});
    }
    code += count;
    index += static_cast<int32_t>(count);
    codes->end[length] = code << (16 - bits);
  }
  return true;
}

// The symbol of a step, as far as it fits one.
struct Symbol {
  uint32_t code_bits = 0;
  uint32_t run = 0;
  uint32_t size = 0;
  bool is_end = false;
  bool is_known = false;

  uint32_t Bits() const { return code_bits + size; }
};

Symbol ToSymbol(const LongCodes::Found& found) {
  Symbol symbol{.code_bits = static_cast<uint32_t>(found.bits),
                .run = static_cast<uint32_t>(found.symbol >> 4),
                .size = static_cast<uint32_t>(found.symbol & 15),
                .is_end = found.symbol == kEob};
  const bool has_meaning = symbol.size != 0 || symbol.is_end || found.symbol == kZrl;
  symbol.is_known = found.bits != 0 && has_meaning && symbol.size <= kMaxAcSize;
  return symbol;
}

struct Step {
  uint32_t bits = 0;
  uint32_t advance = 0;
  uint32_t first_place = 0;
  uint32_t second_place = 0;
  uint32_t code_bits = 0;
  uint32_t size = 0;
  int32_t second_value = 0;

  uint64_t Pack() const {
    return uint64_t{bits} | uint64_t{advance} << 8 | uint64_t{first_place} << 16 |
           uint64_t{second_place} << 24 | uint64_t{code_bits} << 32 | uint64_t{63 - size} << 40 |
           uint64_t{static_cast<uint16_t>(second_value)} << 48;
  }
};

Step OneSymbol(const Symbol& symbol) {
  if (!symbol.is_known) return {.advance = AcEntry::kSpecial};
  if (symbol.is_end)
    return {.bits = symbol.code_bits, .advance = AcEntry::kEndOfBlock, .code_bits = symbol.code_bits};
  return {.bits = symbol.Bits(),
          .advance = symbol.run + 1,
          .first_place = symbol.run,
          .second_place = symbol.run + 1,
          .code_bits = symbol.code_bits,
          .size = symbol.size};
}

// Adds a symbol whose bits are all among those looked up. value: its bits.
void AddSymbol(const Symbol& symbol, uint32_t value, Step* step) {
  step->bits += symbol.Bits();
  if (symbol.is_end) {
    step->advance += AcEntry::kEndOfBlock;
    return;
  }
  step->second_place = step->advance + symbol.run;
  step->second_value = Extend(value, static_cast<int>(symbol.size));
  step->advance += symbol.run + 1;
}

}  // namespace

bool MakeAcTable(const HuffmanSpec& spec, AcTable* table) {
  constexpr uint32_t kMask = (1U << kAcBits) - 1;
  Prefixes<kAcBits> prefixes;
  if (!MakeCodes<kAcBits>(spec, &table->codes, &prefixes)) return false;
  for (uint32_t i = 0; i <= kMask; ++i) {
    const Symbol first = ToSymbol(prefixes[i]);
    Step step = OneSymbol(first);
    if (first.is_known && !first.is_end && first.Bits() < kAcBits) {
      const uint32_t left = kAcBits - first.Bits();
      const uint32_t rest = (i << first.Bits()) & kMask;
      const Symbol second = ToSymbol(prefixes[rest]);
      const uint32_t value =
          (rest >> (kAcBits - std::min<uint32_t>(second.Bits(), kAcBits))) & ((1U << second.size) - 1);
      if (second.is_known && second.Bits() <= left) AddSymbol(second, value, &step);
    }
    table->entries[i] = step.Pack();
  }
  return true;
}

bool MakeDcTable(const HuffmanSpec& spec, DcTable* table) {
  Prefixes<kDcBits> prefixes;
  if (!MakeCodes<kDcBits>(spec, &table->codes, &prefixes)) return false;
  std::transform(prefixes.begin(), prefixes.end(), table->entries.begin(), [](const LongCodes::Found& found) {
    const bool is_known = found.bits != 0 && found.symbol <= kMaxDcSize;
    return static_cast<uint16_t>(is_known ? found.bits | found.symbol << 8 : 0);
  });
  return true;
}

}  // namespace slipway::media::jpeg
