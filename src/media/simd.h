// The instruction sets that the kernels of this folder are compiled for. Include before any Highway header.
//
// Few, since a photo is prepared in a fraction of the time that its network takes. Scalable vectors (SVE,
// RVV) have no interleaving stores of a known size.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
