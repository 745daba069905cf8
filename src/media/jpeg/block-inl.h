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
    bits <<= n;
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

// A difference to the DC of the block before; kBadDc where there is none.
constexpr int32_t kBadDc = INT32_MIN;
HWY_INLINE int32_t ReadDcDifference(BitReader& in, const DcTable& table) {
  const uint32_t entry = table.entries[in.bits >> (64 - kDcBits)];
  uint32_t bits = entry & 0xFF;
  uint32_t size = entry >> 8;
  if (HWY_UNLIKELY(bits == 0)) {
    const LongCodes::Found found = table.codes.Find(static_cast<uint32_t>(in.bits >> 48));
    bits = static_cast<uint32_t>(found.bits);
    size = found.symbol;
    if (bits == 0 || size > kMaxDcSize) return kBadDc;
  }
  in.Skip(bits);
  const auto negative = static_cast<int32_t>(~static_cast<int64_t>(in.bits) >> 63);
  const auto value = static_cast<int32_t>(in.Take(size));
  return value + (negative & ((-1 << size) + 1));
}

// The first coefficient of a step. before: the bits from its code on.
HWY_INLINE int16_t FirstValue(uint64_t entry, uint64_t before) {
  const uint64_t value = before << AcEntry::CodeBits(entry);
  const auto negative = static_cast<uint64_t>(~static_cast<int64_t>(value) >> 63);
  const uint64_t size = ((value ^ negative) >> 1) >> AcEntry::ValueShift(entry);
  return static_cast<int16_t>((size ^ negative) - negative);
}

// A symbol that is in no table: the new k; kBadBlock where it makes no sense.
constexpr uint32_t kBadBlock = 1000;
HWY_NOINLINE uint32_t ReadLongSymbol(BitReader& in, const AcTable& table, const uint16_t* places, uint32_t k,
                                     int16_t* block) {
  in.Refill();
  const LongCodes::Found found = table.codes.Find(static_cast<uint32_t>(in.bits >> 48));
  const int size = found.symbol & 15;
  const uint32_t run = found.symbol >> 4;
  if (found.bits == 0 || size > kMaxAcSize) return kBadBlock;
  in.Skip(static_cast<uint32_t>(found.bits));
  if (size == 0 && run == 0) return k + AcEntry::kEndOfBlock;
  if (size == 0 && run != 15) return kBadBlock;
  block[places[k + run]] = static_cast<int16_t>(Extend(in.Take(static_cast<uint32_t>(size)), size));
  return k + run + 1;
}

// The AC coefficients of a block of zeros; its first one is overwritten with anything. Returns the zigzag
// position after the last of them, 1 to 64; 0 where the bits make no block.
HWY_INLINE uint32_t ReadAc(BitReader& in, const AcTable& table, const uint16_t* places, int16_t* block) {
  uint32_t k = 1;
  uint64_t entry = 0;
  uint64_t before = 0;
  const auto step = [&]() HWY_ATTR {
    before = in.bits;
    block[places[k + AcEntry::FirstPlace(entry)]] = FirstValue(entry, before);
    block[places[k + AcEntry::SecondPlace(entry)]] = AcEntry::SecondValue(entry);
    in.bits <<= AcEntry::BitCount(entry);
    in.count -= AcEntry::BitCount(entry);
    k += AcEntry::Advance(entry);
  };
  for (;;) {
    do {
      // Looked up before the refill, which is done by the time the entry is there; at least 11 bits are.
      entry = table.entries[in.bits >> (64 - kAcBits)];
      in.Refill();
      step();
      if (k >= kBlockSize) break;
      entry = table.entries[in.bits >> (64 - kAcBits)];
      step();
    } while (k < kBlockSize);
    if (k == kBlockSize) return k;
    if (k >= AcEntry::kSpecial && k < AcEntry::kEndOfBlock) {
      k = ReadLongSymbol(in, table, places, k - AcEntry::kSpecial, block);
      if (k < kBlockSize) continue;
      if (k == kBlockSize) return k;
      return k >= AcEntry::kEndOfBlock && k < kBadBlock ? k - AcEntry::kEndOfBlock : 0;
    }
    const uint32_t end = k >= AcEntry::kEndOfBlock ? k - AcEntry::kEndOfBlock : k;
    if (end < kBlockSize) return end;
    // The first coefficient of the step may have been the block's last: then the second was none of it.
    const uint32_t begin = k - AcEntry::Advance(entry);
    if (begin + AcEntry::FirstPlace(entry) + 1 != kBlockSize) return 0;
    in.bits = before << AcEntry::FirstBits(entry);
    in.count += AcEntry::BitCount(entry) - AcEntry::FirstBits(entry);
    return kBlockSize;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::media::jpeg
HWY_AFTER_NAMESPACE();

#endif
