// Functions of 8-bit elements by table.
#pragma once

#include <cstdint>

namespace slipway::cpu {

// y[i] = table[x[i]] for `count` bytes x and entries of `entry_bytes` 1, 2, 4 or 8; 256 entries.
void LookUpBytes(const uint8_t* x, int64_t count, const uint8_t* table, int64_t entry_bytes, uint8_t* y);

}  // namespace slipway::cpu
