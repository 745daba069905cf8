#include "perf/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/kernels/simd/targets.h"
#include "perf/caches.h"
#include "perf/round_trip.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "perf/peak.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/gemm/bf16-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains hide the latency of four cycles on two ports with room to spare.
constexpr int kChains = 12;

// Applies `step` to every chain again and again. Different starts: equal chains would be merged into one.
// The sum keeps the compiler honest.
template <class D, class Step>
HWY_INLINE void RunChains(D d, int64_t rounds, float* sum, const Step& step) {
  using T = hn::TFromD<D>;
  hn::Vec<D> chains[kChains];
  for (int i = 0; i < kChains; ++i)
    chains[i] = hn::Set(d, static_cast<T>(static_cast<T>(*sum) + static_cast<T>(i)));
  for (int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) chains[i] = step(chains[i]);
  }
  auto total = chains[0];
  for (int i = 1; i < kChains; ++i) total = hn::Add(total, chains[i]);
  *sum += static_cast<float>(hn::GetLane(hn::SumOfLanes(d, total)));
}

// Returns the flops done.
double MultiplyAdd(int64_t rounds, float* sum) {
  const hn::CappedTag<float, 16> d;
  const auto a = hn::Set(d, 0.999F);
  const auto b = hn::Set(d, 1e-3F);
  RunChains(d, rounds, sum, [&](auto chain) HWY_ATTR { return hn::MulAdd(chain, a, b); });
  return static_cast<double>(rounds) * kChains * 2 * static_cast<double>(hn::Lanes(d));
}

// The same on pairs of bf16; 0 where this target has none.
double MultiplyAddBf16([[maybe_unused]] int64_t rounds, [[maybe_unused]] float* sum) {
#if SLIPWAY_CPU_HAS_BF16
  const hn::CappedTag<float, 16> d;
  const auto tiny = hn::BitCast(d, hn::Set(hn::RebindToUnsigned<decltype(d)>(), 0x1F801F80U));  // 2^-64 twice
  RunChains(d, rounds, sum, [&](auto chain) HWY_ATTR { return MultiplyPairs(tiny, tiny, chain); });
  return static_cast<double>(rounds) * kChains * 4 * static_cast<double>(hn::Lanes(d));
#else
  return 0;
#endif
}

// The same on groups of four 8-bit integers; 0 where this target has no instruction for them.
double MultiplyAddInt8([[maybe_unused]] int64_t rounds, [[maybe_unused]] float* sum) {
#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX3_DL
  const hn::CappedTag<int32_t, 16> d;
  const auto bytes = hn::Set(d, 0x01010101);
  RunChains(d, rounds, sum, [&](auto chain) HWY_ATTR {
    asm("vpdpbusd %1, %1, %0" : "+v"(chain.raw) : "v"(bytes.raw));  // the target is compiled without VNNI
    return chain;
  });
  return static_cast<double>(rounds) * kChains * 8 * static_cast<double>(hn::Lanes(d));
#else
  return 0;
#endif
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
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway {
namespace cpu {
HWY_EXPORT(MultiplyAdd);
HWY_EXPORT(MultiplyAddBf16);
HWY_EXPORT(MultiplyAddInt8);
HWY_EXPORT(Load);

namespace {
double RunF32(int64_t rounds, float* sum) { return HWY_DYNAMIC_DISPATCH(MultiplyAdd)(rounds, sum); }
double RunBf16(int64_t rounds, float* sum) { return HWY_DYNAMIC_DISPATCH(MultiplyAddBf16)(rounds, sum); }
double RunInt8(int64_t rounds, float* sum) { return HWY_DYNAMIC_DISPATCH(MultiplyAddInt8)(rounds, sum); }
double RunLoads(const float* data, int64_t count, int64_t rounds, float* sum) {
  return HWY_DYNAMIC_DISPATCH(Load)(data, count, rounds, sum);
}
}  // namespace
}  // namespace cpu

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRuns = 12;  // the best counts
volatile float sink = 0;

// Threads meet here and leave at once: they spin, since waking one takes longer than a run.
class Meeting {
 public:
  explicit Meeting(int threads) : threads_(threads) {}
  void Wait() {
    const int round = round_.load();
    if (arrived_.fetch_add(1) + 1 == threads_) {
      arrived_ = 0;
      round_ = round + 1;
      return;
    }
    for (int i = 0; round_.load() == round; ++i) {
      if (i > 1000) std::this_thread::yield();
    }
  }

 private:
  const int threads_;
  std::atomic<int> arrived_{0}, round_{0};
};

struct Run {
  Clock::time_point begin, end;
  double done = 0;
};

// runs[thread][i]: what each of the threads did in its run i, all of them at the same time.
// make_work(thread) returns the function to time: it does something and says how much.
template <class MakeWork>
std::vector<std::vector<Run>> RunTogether(int threads, int runs, const MakeWork& make_work) {
  std::vector<std::vector<Run>> all(static_cast<size_t>(threads));
  Meeting meeting(threads);
  const auto body = [&](int thread) {
    const auto work = make_work(thread);
    for (int i = 0; i < runs; ++i) {
      meeting.Wait();
      Run run;
      run.begin = Clock::now();
      run.done = work();
      run.end = Clock::now();
      all[static_cast<size_t>(thread)].push_back(run);
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(body, i);
  body(0);
  for (std::thread& thread : others) thread.join();
  return all;
}

double Nanoseconds(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::nano>(end - begin).count();
}

// Of what each thread has for itself (its units, its near caches): the sum of their best rates.
double SumOfBest(const std::vector<std::vector<Run>>& all) {
  double sum = 0;
  for (const auto& runs : all) {
    double best = 0;
    for (const Run& run : runs) best = std::max(best, run.done / Nanoseconds(run.begin, run.end));
    sum += best;
  }
  return sum;
}

// Of what they share: the best rate of all of them together.
double BestOfSums(const std::vector<std::vector<Run>>& all) {
  double best = 0;
  for (size_t i = 0; i < all[0].size(); ++i) {
    auto begin = all[0][i].begin, end = all[0][i].end;
    double done = 0;
    for (const auto& runs : all) {
      begin = std::min(begin, runs[i].begin);
      end = std::max(end, runs[i].end);
      done += runs[i].done;
    }
    best = std::max(best, done / Nanoseconds(begin, end));
  }
  return best;
}

using Multiply = double (*)(int64_t, float*);

double Arithmetic(int threads, Multiply multiply) {
  return SumOfBest(RunTogether(threads, kRuns, [multiply](int) {
    return [multiply] {
      float sum = 0;
      const double done = multiply(200000, &sum);
      sink = sum;
      return done;
    };
  }));
}

// Loads of `bytes` for each thread.
std::vector<std::vector<Run>> Loads(int threads, int64_t bytes) {
  const int64_t count = std::max<int64_t>(bytes / 4, 1024);
  const int64_t rounds = std::max<int64_t>(1, (1 << 23) / (4 * count));  // 8 MB a run, at least
  const int runs = rounds > 1 ? kRuns : 4;
  return RunTogether(threads, runs, [=](int) {
    // Written to: untouched pages would all be the same one. On a cache line: a load across two takes twice
    // as long.
    auto floats = std::make_shared<std::vector<float>>(static_cast<size_t>(count + 16), 1.0F);
    const auto at = reinterpret_cast<uintptr_t>(floats->data());
    const float* data = floats->data() + (64 - at % 64) % 64 / sizeof(float);
    return [floats, data, count, rounds] {  // the owner, too
      float sum = 0;
      const double done = cpu::RunLoads(data, count, rounds, &sum);
      sink = sum;
      return done;
    };
  });
}

std::vector<MemoryLevel> MeasureLevels(int threads) {
  const CacheSizes caches = FindCacheSizes();
  std::vector<MemoryLevel> levels;
  levels.push_back({"L1", caches.l1_bytes, SumOfBest(Loads(threads, caches.l1_bytes / 2))});
  levels.push_back({"L2", caches.l2_bytes, SumOfBest(Loads(threads, caches.l2_bytes / 2))});
  // Enough that the near caches do not help, little enough to fit.
  const int64_t shared = caches.l3_bytes / 2 / threads;
  if (shared >= 2 * caches.l2_bytes)
    levels.push_back({"L3", caches.l3_bytes, BestOfSums(Loads(threads, shared))});
  // Many times what the caches hold: some keep a part of what streams by.
  const int64_t cached = std::max(caches.l3_bytes, caches.l2_bytes * threads);
  const int64_t far = std::max(2 * cached, std::min<int64_t>(256 << 20, 8 * cached));
  levels.push_back({"memory", 0, BestOfSums(Loads(threads, far / threads))});
  // A far level that seems faster than a nearer one: noise.
  for (size_t i = levels.size() - 1; i > 0; --i)
    levels[i - 1].gbytes = std::max(levels[i - 1].gbytes, levels[i].gbytes);
  return levels;
}

}  // namespace

Peak MeasurePeak(int num_threads) {
  Peak peak;
  peak.num_threads = std::max(1, num_threads);
  peak.f32_gflops = Arithmetic(peak.num_threads, cpu::RunF32);
  if (!cpu::WhyNoBf16()) peak.bf16_gflops = Arithmetic(peak.num_threads, cpu::RunBf16);
  peak.int8_gops = std::max(4 * peak.f32_gflops, Arithmetic(peak.num_threads, cpu::RunInt8));
  peak.levels = MeasureLevels(peak.num_threads);
  if (peak.num_threads > 1) peak.round_trip_ns = MeasureRoundTrip();
  return peak;
}

}  // namespace slipway
#endif
