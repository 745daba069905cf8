// The life of a server in this process, from its first model to its last answer, and what signals make of it
// (docs/serve.md, "Lifecycle").
//
// One thread listens to signals and does nothing that takes long itself: what does runs beside it, so that a
// signal is heard while the server starts, loads models, gives notice, drains or waits for its successor.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "cli/serve_signals.h"
#include "server/server.h"
#include "server/supervisor/heart.h"
#include "server/supervisor/seat.h"
#include "server/supervisor/successor.h"

namespace slipway::cli {

struct LifeOptions {
  std::chrono::milliseconds notice{0}, drain{30'000};
  server::Program program;           // of a successor
  std::optional<server::Seat> seat;  // of a worker among several; nullopt: this process serves alone
};

class Life {
 public:
  Life(SignalDesk& desk, LifeOptions options) : desk_(desk), options_(std::move(options)) {}

  // Where a signal comes that ends it before, so does the process, with `interrupted`.
  Result<std::unique_ptr<server::Server>> Start(const server::ServerOptions& options,
                                                const Status& interrupted);
  // Serves until a signal ends it. make_heart: of a worker; may be empty.
  using MakeHeart = std::function<std::unique_ptr<server::Heart>(server::Server&)>;
  Status Serve(std::unique_ptr<server::Server> server, const MakeHeart& make_heart);

 private:
  using Time = SignalDesk::Time;

  enum class Notice { kGiven, kNone };

  bool IsWorker() const { return options_.seat.has_value(); }
  // Whether somebody wants the server to end.
  bool IsEnd(int signal) const;
  void Notify(const char* state) const;
  void Reload();
  bool IsTakenOver();
  Status End(Notice notice);
  // `work` by a thread of its own, and `hear` on each signal meanwhile. What is not done by `until` is not
  // waited for: the process ends.
  void Meanwhile(const std::function<void()>& work, const std::function<void(int)>& hear,
                 Time until = Time::max());
  // Without taking apart what other threads still work with.
  [[noreturn]] void EndNow(const Status& status) const;

  SignalDesk& desk_;
  const LifeOptions options_;
  std::atomic<bool> is_ending_{false};
  int pending_ = 0;  // a signal that came while something else was waited for; 0: none
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<server::Heart> heart_;
};

// The service manager's attention goes to that process, whose word counts from here on.
void NotifyOfSuccessor(pid_t pid);

}  // namespace slipway::cli
