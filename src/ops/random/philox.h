// Philox 4x32-10: random bits as a function of a key and a counter of blocks.
//
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
#pragma once

#include <array>
#include <cstdint>

namespace slipway::philox {

constexpr uint32_t Low(uint64_t x) { return static_cast<uint32_t>(x); }
constexpr uint32_t High(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

using Words = std::array<uint32_t, 4>;

// counter: low half first.
inline Words Block(uint64_t key, std::array<uint64_t, 2> counter) {
  constexpr uint64_t kMultipliers[] = {0xD2511F53, 0xCD9E8D57};
  constexpr uint32_t kWeyl[] = {0x9E3779B9, 0xBB67AE85};
  uint32_t keys[] = {Low(key), High(key)};
  Words x = {Low(counter[0]), High(counter[0]), Low(counter[1]), High(counter[1])};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = kMultipliers[0] * x[0];
    const uint64_t b = kMultipliers[1] * x[2];
    x = {High(b) ^ x[1] ^ keys[0], Low(b), High(a) ^ x[3] ^ keys[1], Low(a)};
    keys[0] += kWeyl[0];
    keys[1] += kWeyl[1];
  }
  return x;
}

}  // namespace slipway::philox
