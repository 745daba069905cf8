#include "base/float_mode.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace slipway {
namespace {

#if defined(__SSE2__)
constexpr uint64_t kFlush = 0x8040;  // MXCSR: FTZ (bit 15) for results, DAZ (bit 6) for operands
#elif defined(__aarch64__) || defined(__ARM_FP)
constexpr uint64_t kFlush = uint64_t{1} << 24;  // FZ
#else
constexpr uint64_t kFlush = 0;
#endif

}  // namespace

uint64_t FloatMode() {
#if defined(__SSE2__)
  return _mm_getcsr() & ~0x3FU;  // without the exceptions seen so far
#elif defined(__aarch64__)
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
#elif defined(__ARM_FP)
  uint32_t mode;
  asm volatile("vmrs %0, fpscr" : "=r"(mode));
  return mode & ~0xF800009FU;  // without the flags of comparisons and the exceptions seen so far
#else
  return 0;
#endif
}

void SetFloatMode([[maybe_unused]] uint64_t mode) {
#if defined(__SSE2__)
  _mm_setcsr(static_cast<unsigned>(mode));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" ::"r"(mode));
#elif defined(__ARM_FP)
  asm volatile("vmsr fpscr, %0" ::"r"(static_cast<uint32_t>(mode)));
#endif
}

FlushDenormals::FlushDenormals() : before_(FloatMode()) { SetFloatMode(before_ | kFlush); }

}  // namespace slipway
