// Which instruction sets the kernels are compiled for. Include before any Highway header.
//
// Accumulators are kept in arrays of vectors, which sizeless vectors (SVE, RVV) do not allow; SSSE3 alone is
// not worth a copy of every kernel.
//
// The runtime library (src/library) has one copy for AVX-512: what AVX3_DL adds to AVX3 serves no kernel but
// those of bf16, which ask for their instructions by name.
#pragma once

#ifndef SLIPWAY_RUNTIME_LIBRARY
#define HWY_WANT_AVX3_DL
#endif
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
