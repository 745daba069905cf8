// How this thread's float arithmetic treats denormal numbers (below 1.2e-38 for f32).
//
// Processors take a hundred times as long over them, and networks produce them in the tails of sigmoids and
// of recurrent states; engines flush them to zero, as every result within tolerance allows.
#pragma once

#include <cstdint>

namespace slipway {

// The control word of this thread: MXCSR on x86, FPCR or FPSCR on ARM, 0 elsewhere.
uint64_t FloatMode();
void SetFloatMode(uint64_t mode);

// Denormal operands and results count as zero on this thread while it lives.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals() { SetFloatMode(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint64_t before_;
};

}  // namespace slipway
