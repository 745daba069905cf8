#include "peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peak.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains hide the latency of four cycles on two ports with room to spare. Returns the flops done; the
// sum keeps the compiler honest.
double MultiplyAdd(int64_t rounds, float* sum) {
  const hn::CappedTag<float, 16> d;
  const auto a = hn::Set(d, 0.999F);
  const auto b = hn::Set(d, 1e-3F);
  // Different starts: equal chains would be merged into one.
  const auto start = [&](int i) HWY_ATTR { return hn::Set(d, *sum + static_cast<float>(i)); };
  auto s0 = start(0), s1 = start(1), s2 = start(2), s3 = start(3), s4 = start(4), s5 = start(5);
  auto s6 = start(6), s7 = start(7), s8 = start(8), s9 = start(9), s10 = start(10), s11 = start(11);
  for (int64_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, a, b);
    s1 = hn::MulAdd(s1, a, b);
    s2 = hn::MulAdd(s2, a, b);
    s3 = hn::MulAdd(s3, a, b);
    s4 = hn::MulAdd(s4, a, b);
    s5 = hn::MulAdd(s5, a, b);
    s6 = hn::MulAdd(s6, a, b);
    s7 = hn::MulAdd(s7, a, b);
    s8 = hn::MulAdd(s8, a, b);
    s9 = hn::MulAdd(s9, a, b);
    s10 = hn::MulAdd(s10, a, b);
    s11 = hn::MulAdd(s11, a, b);
  }
  const auto low = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(s4, s5));
  const auto high = hn::Add(hn::Add(hn::Add(s6, s7), hn::Add(s8, s9)), hn::Add(s10, s11));
  *sum += hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
  return static_cast<double>(rounds) * 12 * 2 * static_cast<double>(hn::Lanes(d));
}

// Loads `count` floats again and again; returns the bytes read.
double Load(const float* data, int64_t count, int64_t rounds, float* sum) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  // Eight chains: the latency of a maximum times two loads a cycle, with room to spare.
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (int64_t round = 0; round < rounds; ++round) {
    for (int64_t i = 0; i + 8 * lanes <= count; i += 8 * lanes) {
      s0 = hn::Max(s0, hn::LoadU(d, data + i));
      s1 = hn::Max(s1, hn::LoadU(d, data + i + lanes));
      s2 = hn::Max(s2, hn::LoadU(d, data + i + 2 * lanes));
      s3 = hn::Max(s3, hn::LoadU(d, data + i + 3 * lanes));
      s4 = hn::Max(s4, hn::LoadU(d, data + i + 4 * lanes));
      s5 = hn::Max(s5, hn::LoadU(d, data + i + 5 * lanes));
      s6 = hn::Max(s6, hn::LoadU(d, data + i + 6 * lanes));
      s7 = hn::Max(s7, hn::LoadU(d, data + i + 7 * lanes));
    }
  }
  const auto low = hn::Max(hn::Max(s0, s1), hn::Max(s2, s3));
  const auto high = hn::Max(hn::Max(s4, s5), hn::Max(s6, s7));
  *sum += hn::GetLane(hn::SumOfLanes(d, hn::Max(low, high)));
  return static_cast<double>(rounds) * static_cast<double>(count) * 4;
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway {
HWY_EXPORT(MultiplyAdd);
HWY_EXPORT(Load);

namespace {

// The best rate of several runs, in units of 1e9 per second.
template <class F>
double BestRate(const F& work) {
  double best = 0;
  for (int i = 0; i < 12; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const double done = work();
    const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, done / elapsed.count());
  }
  return best;
}

}  // namespace

Peak MeasurePeak() {
  volatile float sink = 0;
  float sum = 0;
  const std::vector<float> ones(4096 + 16, 1.0F);  // 16 KiB: inside any first-level cache
  // On a cache line: a load across two takes twice as long.
  const std::span<const float> data(
      ones.data() + (64 - reinterpret_cast<uintptr_t>(ones.data()) % 64) % 64 / sizeof(float), 4096);
  Peak peak;
  peak.f32_gflops = BestRate([&] { return HWY_DYNAMIC_DISPATCH(MultiplyAdd)(200000, &sum); });
  peak.load_gbytes = BestRate(
      [&] { return HWY_DYNAMIC_DISPATCH(Load)(data.data(), static_cast<int64_t>(data.size()), 5000, &sum); });
  peak.int8_gops = 4 * peak.f32_gflops;
  sink = sink + sum;
  return peak;
}

}  // namespace slipway
#endif
