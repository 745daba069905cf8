// One block of coefficients out of the bits. Included once per Highway target: with BMI2 a shift is one
// instruction.
//
// A step's latency (shift, look up, shift) is what a file's decoding takes; all else runs beside it.
#if defined(SLIPWAY_JPEG_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_JPEG_BLOCK_INL_H_
#undef SLIPWAY_JPEG_BLOCK_INL_H_
#else
#define SLIPWAY_JPEG_BLOCK_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "media/jpeg/huffman.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::media::jpeg {
namespace HWY_NAMESPACE {

HWY_INLINE uint64_t LoadBe64(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof(v));
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

// The next bits, from the top of a word. The caller sees to it that 8 bytes can be read at `next`.
struct BitReader {
  const uint8_t* next = nullptr;
  uint64_t bits = 0;   // what is below `count` bits is right too, or 0
  uint32_t count = 0;  // at most 63; 56 or more after Refill

  HWY_INLINE void Refill() {
    bits |= LoadBe64(next) >> count;
    next += (63 - count) >> 3;
    count |= 56;
  }
  HWY_INLINE void Skip(uint32_t n) {
    bits <<= n & 63;
    count -= n;
  }
  HWY_INLINE uint32_t Take(uint32_t n) {  // 0 to 16 bits
    const auto value = static_cast<uint32_t>(bits >> 1 >> (63 - n));
    Skip(n);
    return value;
  }
};

// Where the coefficients of a block lie, from its first on: [k], for places past the block as well, which all
// lie upon its first.
using Places = uint16_t[kBlockSize + kMaxStep];

// What is added to the bits of a value, which stand at the top: no branch.
HWY_INLINE int32_t BiasOf(uint64_t value, uint32_t value_shift) {
  const auto positive = static_cast<int32_t>(static_cast<int64_t>(value) >> 63);  // all ones
  return kBiases[value_shift] & ~positive;
}

// A difference to the DC of the block before; kBadDc, with which no sum is a DC, where there is none.
constexpr int32_t kBadDc = 1 << 20;

HWY_NOINLINE int32_t ReadLongDc(BitReader& in, const DcTable& table) {
  const LongCodes::Found found = table.codes.Find<kDcBits>(static_cast<uint32_t>(in.bits >> 48));
  if (found.bits == 0 || found.symbol > kMaxDcSize) return kBadDc;
  in.Skip(static_cast<uint32_t>(found.bits));
  return Extend(in.Take(found.symbol), found.symbol);
}

HWY_INLINE int32_t ReadDc(BitReader& in, const DcTable& table) {
  const size_t index = in.bits >> (64 - kDcBits);
  const uint64_t before = in.bits;
  const uint32_t bits = table.bits[index];
  const DcEntry entry = table.entries[index];
  if (HWY_UNLIKELY(bits == 0)) {
    BitReader copy = in;  // `in` itself stays in registers
    const int32_t value = ReadLongDc(copy, table);
    in = copy;
    return value;
  }
  in.Skip(bits);
  const uint64_t value = before << (entry.code_bits & 63);
  // Two shifts, together by 64 where there are no bits.
  return static_cast<int32_t>(value >> 1 >> ((entry.value_shift - 1) & 63)) +
         BiasOf(value, entry.value_shift);
}

// A symbol that is in no table: how far it takes k, as an entry's advance; kBadSymbol where it makes no
// sense. at: the place of coefficient k.
constexpr uint32_t kBadSymbol = 1000;
HWY_NOINLINE uint32_t ReadLongSymbol(BitReader& in, const AcTable& table, const uint16_t* at,
                                     int16_t* block) {
  in.Refill();
  const LongCodes::Found found = table.codes.Find<kAcBits>(static_cast<uint32_t>(in.bits >> 48));
  const int size = found.symbol & 15;
  const uint32_t run = found.symbol >> 4;
  if (found.bits == 0 || size > kMaxAcSize) return kBadSymbol;
  in.Skip(static_cast<uint32_t>(found.bits));
  if (size == 0 && run == 0) return AcEntry::kEndOfBlock;
  if (size == 0 && run != 15) return kBadSymbol;
  block[at[run]] = static_cast<int16_t>(Extend(in.Take(static_cast<uint32_t>(size)), size));
  return run + 1;
}

// The AC coefficients of a block of zeros; its first one is overwritten with anything. Returns the zigzag
// position after the last of them, 1 to 64; 0 where the bits make no block.
HWY_INLINE uint32_t ReadAc(BitReader& in, const AcTable& table, const uint16_t* places, int16_t* block) {
  const uint16_t* const end = places + kBlockSize;
  const uint16_t* at = places + 1;
  const AcEntry* entry = nullptr;
  uint64_t before = 0;
  const auto step = [&](size_t index) HWY_ATTR {
    before = in.bits;
    in.Skip(table.bits[index]);
    entry = &table.entries[index];
    const uint64_t value = before << (entry->code_bits & 63);
    block[at[entry->first]] = static_cast<int16_t>(static_cast<int32_t>(value >> (entry->value_shift & 63)) +
                                                   BiasOf(value, entry->value_shift));
    block[at[entry->second]] = entry->second_value;
    at += entry->advance;
  };
  for (;;) {
    do {
      // Looked up before the refill, which is done by the time the entry is there; at least 11 bits are.
      const size_t index = in.bits >> (64 - kAcBits);
      in.Refill();
      step(index);
      if (at >= end) break;
      step(in.bits >> (64 - kAcBits));
    } while (at < end);
    const uint32_t advance = entry->advance;
    if (advance == AcEntry::kSpecial) {
      BitReader copy = in;  // `in` itself stays in registers
      const uint32_t found = ReadLongSymbol(copy, table, at - advance, block);
      in = copy;
      if (found == kBadSymbol) return 0;
      at += static_cast<ptrdiff_t>(found) - advance;
      if (at < end) continue;
      if (at == end) return kBlockSize;
      return found == AcEntry::kEndOfBlock ? static_cast<uint32_t>(at - places) - found : 0;
    }
    const ptrdiff_t k = at - places - (advance >= AcEntry::kEndOfBlock ? AcEntry::kEndOfBlock : 0);
    if (k < ptrdiff_t{kBlockSize} || at == end) return static_cast<uint32_t>(k);
    // The first coefficient of the step may have been the block's last: then the second was none of it.
    if (at - advance + entry->first + 1 != end) return 0;
    in.bits = before << entry->FirstBits();
    in.count += entry->bits - entry->FirstBits();
    return kBlockSize;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::media::jpeg
HWY_AFTER_NAMESPACE();

#endif
