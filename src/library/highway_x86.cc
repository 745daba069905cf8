// The part of Highway that is compiled, for x86: which instruction sets the processor has. It stands in for
// libhwy, which Debian has as a shared library only.
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "backends/cpu/kernels/simd/targets.h"
#include "hwy/targets.h"

namespace hwy {
namespace {

// Targets as Highway 1.0.3 defines them; GCC's levels and features ask too whether the system saves the
// registers.
int64_t Detect() {
  __builtin_cpu_init();
  int64_t targets = HWY_STATIC_TARGET;  // SSE4
  if (!__builtin_cpu_supports("x86-64-v3")) return targets;
  targets |= HWY_AVX2;
  if (!__builtin_cpu_supports("x86-64-v4")) return targets;
  targets |= HWY_AVX3;
  const bool has_dl = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
                      __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bitalg") &&
                      __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("vpclmulqdq") &&
                      __builtin_cpu_supports("vaes");
  return has_dl ? targets | HWY_AVX3_DL : targets;
}

std::atomic<int64_t> disabled{0};

}  // namespace

int64_t SupportedTargets() {
  static const int64_t detected = Detect();
  const int64_t left = detected & ~disabled.load();
  return left == 0 ? HWY_STATIC_TARGET : left;
}

void DisableTargets(int64_t targets) {
  disabled.store(targets);
  GetChosenTarget().DeInit();
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

void Abort(const char* file, int line, const char* format, ...) {
  std::fprintf(stderr, "%s:%d: ", file, line);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::abort();
}

}  // namespace hwy
