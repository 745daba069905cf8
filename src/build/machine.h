// Which machine times and choices hold for.
#pragma once

#include <string>
#include <vector>

#include "backends/api/backend.h"

namespace slipway {

// Raise it when tactics are renamed, when their speed changes so much that old times mislead, and whenever
// one packs its constants another way (backends/cpu/packing_test.cc sees that): tuned sections of .slip files
// hold what they packed.
inline constexpr int kKernelsVersion = 3;

// "AuthenticAMD/26/68/0 AVX3_DL threads 2 kernels 3": vendor, family, model and stepping of the processor,
// the instruction set that the backends' kernels run on, and what else times depend on. Holds no tab and no
// line break.
std::string MachineFingerprint(const std::vector<const Backend*>& backends, int num_threads);

}  // namespace slipway
