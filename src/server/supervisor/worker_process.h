// One worker as its supervisor sees it: a child process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/supervisor/seat.h"

namespace slipway::server {

using SteadyTime = std::chrono::steady_clock::time_point;

// What a worker does, in its own process, until it is told to end. An error is passed on to the supervisor.
using RunWorker = std::function<Status(const Seat&)>;

class WorkerProcess {
 public:
  // Forks. seat: all but the wire. prepare: called in the child first, to close what is not its own.
  // REQUIRES: this process has one thread.
  static Result<std::unique_ptr<WorkerProcess>> Start(Seat seat, const RunWorker& run,
                                                      const std::function<void()>& prepare);
  ~WorkerProcess();

  int index() const { return index_; }
  pid_t pid() const { return pid_; }
  int wire() const { return wire_; }
  SteadyTime started() const { return started_; }
  SteadyTime heard() const { return heard_; }
  bool is_ready() const { return is_ready_; }        // it has served
  bool has_enough() const { return has_enough_; }    // wants another in its place
  bool is_leaving() const { return is_leaving_; }    // was told to end
  SteadyTime leave_by() const { return leave_by_; }  // where it was
  bool is_killed() const { return is_killed_; }
  std::optional<Status> failure() const { return hearing_.failure(); }

  // Takes what it has said by now.
  void Hear(SteadyTime now);
  void Send(int signal) const;
  // Tells it to end: SIGTERM, with notice; SIGUSR2, without; SIGQUIT, at once. One that does not serve yet is
  // killed.
  void Leave(int signal, SteadyTime by);
  // At once, and once.
  void Kill();
  // Time that passed while this process could not listen does not count.
  void Shift(std::chrono::steady_clock::duration pause);
  // Its wait status once it has ended.
  std::optional<int> Reap();

 private:
  WorkerProcess(int index, pid_t pid, int wire)
      : index_(index), pid_(pid), wire_(wire), started_(std::chrono::steady_clock::now()), heard_(started_) {}

  const int index_;
  const pid_t pid_;
  const int wire_;  // the pipe's end to read from
  const SteadyTime started_;
  SteadyTime heard_, leave_by_;
  bool is_ready_ = false, has_enough_ = false, is_leaving_ = false, is_killed_ = false, is_reaped_ = false;
  Hearing hearing_;
};

// "signal 9", "exit status 3"
std::string DescribeEnd(int wait_status);

}  // namespace slipway::server
