#include "report/machine_facts.h"

#include <fstream>

#include "backends/api/backend.h"
#include "base/cpu_name.h"
#include "base/pages.h"
#include "base/thread_pool.h"

namespace slipway {
namespace {

// "" where the system does not say.
std::string ModelName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

}  // namespace

MachineFacts FindMachineFacts() {
  MachineFacts facts;
  facts.cpu = ModelName();
  if (facts.cpu.empty()) facts.cpu = CpuName();
  if (const Backend* cpu = FindBackend("cpu")) facts.isa = cpu->target;
  facts.cores = AvailableCores();
  facts.memory_bytes = MachineMemoryBytes();
  facts.caches = FindCacheSizes();
  return facts;
}

}  // namespace slipway
