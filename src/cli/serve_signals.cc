#include "cli/serve_signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace slipway::cli {
namespace {

// For poll(): rounded up, so that nobody asks again and again within the last one; -1: for ever.
int MillisecondsUntil(SignalDesk::Time until) {
  if (until == SignalDesk::Time::max()) return -1;
  constexpr int64_t kMost = 1'000'000'000;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, kMost));
}

}  // namespace

SignalDesk::SignalDesk() : bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sigset_t set;
  sigemptyset(&set);
  for (int each : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT}) sigaddset(&set, each);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

SignalDesk::~SignalDesk() {
  close(signals_);
  close(bell_);
}

int SignalDesk::Wait(Time until) {
  pollfd events[] = {{signals_, POLLIN, 0}, {bell_, POLLIN, 0}};
  while (poll(events, 2, MillisecondsUntil(until)) < 0) continue;  // interrupted by a debugger, say
  signalfd_siginfo news;
  if (read(signals_, &news, sizeof(news)) == sizeof(news)) return static_cast<int>(news.ssi_signo);
  uint64_t rings = 0;
  (void)!read(bell_, &rings, sizeof(rings));
  return 0;
}

void SignalDesk::Ring() {
  const uint64_t once = 1;
  (void)!write(bell_, &once, sizeof(once));
}

}  // namespace slipway::cli
