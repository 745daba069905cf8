#include "base/crowding.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace slipway {
namespace {

// Of a network's hundred loops a run: a few runs. Threads that meet on a core in passing stay.
constexpr int kTimes = 64;

#if defined(__linux__)
void LeaveCore(int core) {
  cpu_set_t allowed;
  if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(core, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof(others), &others) != 0) return;
  sched_setaffinity(0, sizeof(allowed), &allowed);
}
#else
void LeaveCore(int) {}
#endif

}  // namespace

int CurrentCore() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

void Crowding::Joins(int core) {
  if (core < 0 || CurrentCore() != core) {
    times_ = 0;
    return;
  }
  if (++times_ < kTimes) return;
  times_ = 0;
  LeaveCore(core);
}

}  // namespace slipway
