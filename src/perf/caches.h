// The sizes of this machine's data caches.
#pragma once

#include <cstdint>

namespace slipway {

struct CacheSizes {
  int64_t l1_bytes = 32 << 10;  // of a core
  int64_t l2_bytes = 512 << 10;
  int64_t l3_bytes = 0;  // of all cores; 0: there is none, or the system does not say
};

// As the system tells; what it does not tell is as above.
CacheSizes FindCacheSizes();

}  // namespace slipway
