// What a reader of figures must know of the machine they were measured on.
#pragma once

#include <string>

#include "perf/caches.h"

namespace slipway {

struct MachineFacts {
  std::string cpu;  // "AMD EPYC 9B45"; where the system has no name for it, as base/cpu_name.h
  std::string isa;  // that the `cpu` backend's kernels run on: "AVX3_DL"
  int cores = 1;    // that this process may use
  int64_t memory_bytes = 0;
  CacheSizes caches;
};

MachineFacts FindMachineFacts();

}  // namespace slipway
