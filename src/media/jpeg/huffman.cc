// Source: ITU T.81, annexes C (codes from lengths) and F.2.2 (what symbols mean).
#include "media/jpeg/huffman.h"

#include <algorithm>

namespace slipway::media::jpeg {
namespace {

constexpr uint8_t kEob = 0x00;
constexpr uint8_t kZrl = 0xF0;

// What a code stands for, as far as it fits one step.
struct Symbol {
  bool is_known = false;
  bool is_end = false;
  uint8_t code_bits = 0;
  uint8_t run = 0;
  uint8_t size = 0;

  uint32_t Bits() const { return uint32_t{code_bits} + size; }
  uint8_t ValueShift() const { return static_cast<uint8_t>((64 - size) % 64); }
};

Symbol AcSymbol(int bits, uint8_t symbol) {
  const uint8_t size = symbol & 15;
  const bool has_meaning = size != 0 || symbol == kEob || symbol == kZrl;
  return {.is_known = has_meaning && size <= kMaxAcSize,
          .is_end = symbol == kEob,
          .code_bits = static_cast<uint8_t>(bits),
          .run = static_cast<uint8_t>(symbol >> 4),
          .size = size};
}

Symbol DcSymbol(int bits, uint8_t symbol) {
  return {.is_known = symbol <= kMaxDcSize, .code_bits = static_cast<uint8_t>(bits), .size = symbol};
}

// The code at the begin of each run of kBits bits; not known where it is longer, or none.
template <int kBits>
using Prefixes = std::array<Symbol, size_t{1} << kBits>;

template <int kBits>
bool MakeCodes(const HuffmanSpec& spec, Symbol (*to_symbol)(int bits, uint8_t symbol), LongCodes* codes,
               Prefixes<kBits>* prefixes) {
  codes->symbols = spec.symbols;
  prefixes->fill({});
  uint32_t code = 0;
  int32_t index = 0;
  for (int bits = 1; bits <= 16; ++bits, code *= 2) {
    const auto length = static_cast<size_t>(bits);
    const uint32_t count = spec.counts[length - 1];
    if (code + count >= uint32_t{1} << bits) return false;  // no code is all ones
    codes->offset[length] = index - static_cast<int32_t>(code);
    for (uint32_t i = 0; i < count && bits <= kBits; ++i) {
      const size_t width = size_t{1} << (kBits - bits);
      std::fill_n(prefixes->begin() + static_cast<ptrdiff_t>((code + i) * width), width,
                  to_symbol(bits, spec.symbols[static_cast<size_t>(index) + i]));
    }
    code += count;
    index += static_cast<int32_t>(count);
    codes->end[length] = code << (16 - bits);
  }
  return true;
}

AcEntry OneSymbol(const Symbol& symbol) {
  AcEntry entry{.advance = AcEntry::kSpecial, .first = AcEntry::kNowhere, .second = AcEntry::kNowhere};
  if (!symbol.is_known) return entry;
  entry.bits = static_cast<uint8_t>(symbol.Bits());
  entry.code_bits = symbol.code_bits;
  entry.value_shift = symbol.ValueShift();
  entry.advance = symbol.is_end ? AcEntry::kEndOfBlock : static_cast<uint8_t>(symbol.run + 1);
  if (symbol.size != 0) entry.first = static_cast<uint8_t>(symbol.run);
  return entry;
}

// Adds a symbol whose bits are all among those looked up. value: its bits.
void AddSymbol(const Symbol& symbol, uint32_t value, AcEntry* entry) {
  entry->bits = static_cast<uint8_t>(entry->bits + symbol.Bits());
  if (symbol.size != 0) entry->second = static_cast<uint8_t>(entry->advance + symbol.run);
  entry->second_value = static_cast<int16_t>(Extend(value, static_cast<int>(symbol.size)));
  entry->advance =
      static_cast<uint8_t>(entry->advance + (symbol.is_end ? AcEntry::kEndOfBlock : symbol.run + 1));
}

}  // namespace

bool MakeAcTable(const HuffmanSpec& spec, AcTable* table) {
  constexpr uint32_t kMask = (1U << kAcBits) - 1;
  Prefixes<kAcBits> prefixes;
  if (!MakeCodes<kAcBits>(spec, &AcSymbol, &table->codes, &prefixes)) return false;
  for (uint32_t i = 0; i <= kMask; ++i) {
    const Symbol first = prefixes[i];
    AcEntry entry = OneSymbol(first);
    if (first.is_known && !first.is_end && first.Bits() < kAcBits) {
      const uint32_t rest = (i << first.Bits()) & kMask;
      const Symbol second = prefixes[rest];
      if (second.is_known && first.Bits() + second.Bits() <= kAcBits) {
        AddSymbol(second, rest >> (kAcBits - second.Bits()) & ((1U << second.size) - 1), &entry);
      }
    }
    table->entries[i] = entry;
    table->bits[i] = entry.bits;
  }
  return true;
}

bool MakeDcTable(const HuffmanSpec& spec, DcTable* table) {
  // libjpeg refuses a file for one beyond 15 even where it is not used.
  if (std::any_of(spec.symbols.begin(), spec.symbols.end(), [](uint8_t s) { return s > kMaxDcSize; }))
    return false;
  Prefixes<kDcBits> prefixes;
  if (!MakeCodes<kDcBits>(spec, &DcSymbol, &table->codes, &prefixes)) return false;
  for (size_t i = 0; i < prefixes.size(); ++i) {
    const Symbol symbol = prefixes[i];
    table->bits[i] = static_cast<uint8_t>(symbol.is_known ? symbol.Bits() : 0);
    table->entries[i] = {.code_bits = symbol.code_bits, .value_shift = symbol.ValueShift()};
  }
  return true;
}

}  // namespace slipway::media::jpeg
