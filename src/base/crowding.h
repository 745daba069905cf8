// Moves a thread off the core of another that it works with.
//
// Threads that poll are never idle, and the system's balancing may leave two of them on one core for seconds
// while another core is free: each then waits for the other's turn, and two threads are slower than one.
#pragma once

namespace slipway {

// The core that this thread runs on; -1 where the system does not say.
int CurrentCore();

// For one worker thread, which calls it.
class Crowding {
 public:
  // The worker joins in work that a thread on `core` shares out. When it has stood on the same core for some
  // times in a row, and may run elsewhere, it goes there; where it may run stays as it was.
  void Joins(int core);

 private:
  int times_ = 0;
};

}  // namespace slipway
