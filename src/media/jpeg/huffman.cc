// Source: ITU T.81, annexes C (codes from lengths) and F.2.2 (what symbols mean).
#include "media/jpeg/huffman.h"

#include <algorithm>
#include <bit>

namespace slipway::media::jpeg {
namespace {

constexpr uint8_t kEob = 0x00;
constexpr uint8_t kZrl = 0xF0;

// Visits codes of up to kBits bits: visit(bits, symbol, begin, width), where of all runs of kBits bits those
// from `begin` on, `width` of them, begin with the code.
template <int kBits, class Visit>
bool MakeCodes(const HuffmanSpec& spec, LongCodes* codes, const Visit& visit) {
  codes->symbols = spec.symbols;
  uint32_t code = 0;
  uint32_t index = 0;
  for (uint32_t bits = 1; bits <= 16; ++bits, code *= 2) {
    const uint32_t count = spec.counts[bits - 1];
    if (code + count >= uint32_t{1} << bits) return false;  // no code is all ones
    codes->offset[bits] = static_cast<int32_t>(index) - static_cast<int32_t>(code);
    for (uint32_t i = 0; i < count && bits <= kBits; ++i) {
      const size_t width = size_t{1} << (kBits - bits);
      visit(bits, spec.symbols[index + i], (code + i) * width, width);
    }
    code += count;
    index += count;
    codes->end[bits] = code << (16 - bits);
  }
  return true;
}

struct Symbol {
  uint32_t code_bits = 0;
  uint32_t run = 0;
  uint32_t size = 0;
  bool is_end = false;

  uint32_t Bits() const { return code_bits + size; }
  uint32_t Advance() const { return is_end ? AcEntry::kEndOfBlock : run + 1; }
};

// Nothing for what has no meaning.
std::optional<Symbol> AcSymbol(uint32_t bits, uint8_t symbol) {
  const uint32_t both = symbol;
  const Symbol result{.code_bits = bits, .run = both >> 4, .size = both & 15, .is_end = symbol == kEob};
  if (result.size > kMaxAcSize) return std::nullopt;
  if (result.size == 0 && symbol != kEob && symbol != kZrl) return std::nullopt;
  return result;
}

uint8_t ValueShift(uint32_t size) { return static_cast<uint8_t>((64 - size) % 64); }

// With the place of a second coefficient that is next to the first.
AcEntry OneSymbol(const Symbol& symbol) {
  return {.bits = static_cast<uint8_t>(symbol.Bits()),
          .advance = static_cast<uint8_t>(symbol.Advance()),
          .first = symbol.size == 0 ? AcEntry::kNowhere : static_cast<uint8_t>(symbol.run),
          .second = static_cast<uint8_t>(symbol.Advance()),
          .code_bits = static_cast<uint8_t>(symbol.code_bits),
          .value_shift = ValueShift(symbol.size)};
}

// What a second symbol adds to an entry, field by field; no field overflows.
uint64_t SecondSymbol(const Symbol& symbol, uint32_t value) {
  const AcEntry added{.bits = static_cast<uint8_t>(symbol.Bits()),
                      .advance = static_cast<uint8_t>(symbol.Advance()),
                      .second = symbol.size == 0 ? AcEntry::kNowhere : static_cast<uint8_t>(symbol.run),
                      .second_value = static_cast<int16_t>(Extend(value, static_cast<int>(symbol.size)))};
  return std::bit_cast<uint64_t>(added);
}

// By the bits that come first.
struct AcParts {
  static constexpr size_t kCount = size_t{1} << kAcBits;

  std::array<uint8_t, kCount> left;  // bits behind a first symbol; 0 where none may follow
  std::array<uint8_t, kCount> second_bits;
  std::array<uint64_t, kCount> second;

  AcParts() {
    left.fill(0);
    second_bits.fill(kAcBits + 1);
  }
};

}  // namespace

bool MakeAcTable(const HuffmanSpec& spec, AcTable* table) {
  constexpr size_t kMask = AcParts::kCount - 1;
  AcParts parts;
  table->entries.fill({.advance = AcEntry::kSpecial, .first = AcEntry::kNowhere});
  const bool is_code = MakeCodes<kAcBits>(
      spec, &table->codes, [&](uint32_t bits, uint8_t code_symbol, size_t begin, size_t width) {
        const std::optional<Symbol> symbol = AcSymbol(bits, code_symbol);
        if (!symbol) return;
        std::fill_n(&table->entries[begin], width, OneSymbol(*symbol));
        if (symbol->Bits() > kAcBits) return;
        const auto left = static_cast<uint8_t>(kAcBits - symbol->Bits());
        std::fill_n(&parts.left[begin], width, symbol->is_end ? uint8_t{0} : left);
        std::fill_n(&parts.second_bits[begin], width, static_cast<uint8_t>(symbol->Bits()));
        for (size_t value = 0; value < size_t{1} << symbol->size; ++value) {
          std::fill_n(&parts.second[begin + (value << left)], size_t{1} << left,
                      SecondSymbol(*symbol, static_cast<uint32_t>(value)));
        }
      });
  const uint64_t none = std::bit_cast<uint64_t>(AcEntry{.second = AcEntry::kNowhere});
  for (size_t i = 0; i < AcParts::kCount; ++i) {
    const size_t rest = (i << (kAcBits - parts.left[i])) & kMask;
    const bool fits = parts.second_bits[rest] <= parts.left[i];
    const uint64_t entry = std::bit_cast<uint64_t>(table->entries[i]) + (fits ? parts.second[rest] : none);
    table->entries[i] = std::bit_cast<AcEntry>(entry);
    table->bits[i] = table->entries[i].bits;
  }
  return is_code;
}

bool MakeDcTable(const HuffmanSpec& spec, DcTable* table) {
  // libjpeg refuses a file for one beyond 15 even where it is not used.
  if (std::any_of(spec.symbols.begin(), spec.symbols.end(), [](uint8_t s) { return s > kMaxDcSize; }))
    return false;
  table->entries.fill({});
  table->bits.fill(0);
  return MakeCodes<kDcBits>(
      spec, &table->codes, [&](uint32_t bits, uint8_t size, size_t begin, size_t width) {
        std::fill_n(&table->entries[begin], width,
                    DcEntry{.code_bits = static_cast<uint8_t>(bits), .value_shift = ValueShift(size)});
        std::fill_n(&table->bits[begin], width, static_cast<uint8_t>(bits + size));
      });
}

}  // namespace slipway::media::jpeg
