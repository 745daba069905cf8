// The signals that a server is told with, as events that one thread waits for.
//
// Not handlers: a handler may do next to nothing, and interrupts whatever it hits. Left out: what the signals
// mean (serve_life.h).
#pragma once

#include <chrono>

namespace slipway::cli {

class SignalDesk {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // From here on the signals are for this desk: the calling thread, and those that are started later, block
  // them. REQUIRES: no other thread runs yet.
  SignalDesk();
  ~SignalDesk();
  SignalDesk(const SignalDesk&) = delete;

  // The next signal. 0: it is `until`, or somebody has rung.
  int Wait(Time until = Time::max());
  // Wakes the thread that waits, or that comes to wait next. From any thread.
  void Ring();

 private:
  const int bell_;
  int signals_ = -1;
};

}  // namespace slipway::cli
