// Plain loops: a load per element bounds them, and gathers are no faster on tables that stay in the first
// cache.
#include "backends/cpu/kernels/table/table.h"

#include <cstring>

namespace slipway::cpu {
namespace {

template <class T>
void LookUp(const uint8_t* x, int64_t count, const uint8_t* table, uint8_t* y) {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(y + i * static_cast<int64_t>(sizeof(T)), table + x[i] * sizeof(T), sizeof(T));
  }
}

}  // namespace

void LookUpBytes(const uint8_t* x, int64_t count, const uint8_t* table, int64_t entry_bytes, uint8_t* y) {
  switch (entry_bytes) {
    case 1: return LookUp<uint8_t>(x, count, table, y);
    case 2: return LookUp<uint16_t>(x, count, table, y);
    case 4: return LookUp<uint32_t>(x, count, table, y);
    default: return LookUp<uint64_t>(x, count, table, y);
  }
}

}  // namespace slipway::cpu
