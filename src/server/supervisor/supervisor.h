// Several worker processes on one port, started, watched and replaced by a process that does nothing else.
//
// Every worker has a socket of its own for HTTP, and one for gRPC where that is served (SO_REUSEPORT): the
// system deals out connections. The sockets are the supervisor's, so that connections which wait for a worker
// that has died are served by the next one in its place. A worker that says nothing for too long is killed;
// one that dies is replaced, ever later where it dies at once. The supervisor has one thread, knows nothing
// of models and takes no connection: there is little in it that could fail. Workers end when it does.
//
// Signals: SIGTERM, SIGINT: notice, drain, end; SIGQUIT, a second SIGINT: end at once; SIGHUP is passed on;
// SIGTTIN, SIGTTOU: one worker more, one less; SIGUSR2: a successor (successor.h) takes over, then the same
// as SIGTERM without notice.
//
// Left out: sums of the workers' metrics (each gives its own, with its number as a label), and models that
// are loaded by a request, which would reach one worker of several.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "server/http/listener.h"
#include "server/supervisor/successor.h"
#include "server/supervisor/worker_process.h"

namespace slipway::server {

inline constexpr int kMaxWorkers = 1024;
// A terminal's Ctrl-C is for all its processes, and some of them pass it on: that is one, not two.
inline constexpr std::chrono::milliseconds kSameKey{500};

struct SupervisorOptions {
  int workers = 2;  // 1 to kMaxWorkers
  std::string address = "127.0.0.1";
  int port = 8000;               // 0: any that is free
  std::optional<int> grpc_port;  // likewise; nullopt: no gRPC
  // Beside them, those that a worker listens on by itself; may be empty.
  std::function<std::vector<NamedPort>(int worker)> ports_of;
  // Of a predecessor, listening; more are opened where there are fewer than workers. Without them, this is
  // the first of its ports: none of them may be anybody's.
  Sockets sockets;
  std::chrono::milliseconds timeout{30'000};   // a worker that serves may be silent for so long
  std::chrono::milliseconds patience{60'000};  // a worker may take so long to end
  // Told what happens to workers: a line each.
  std::function<void(const std::string&)> report;
  // Each may be empty. Called once, when all workers serve; when all are told to end; and when a successor,
  // the process of that number, serves in place of all.
  std::function<void()> on_ready, on_stop;
  std::function<void(pid_t)> on_successor;
};

// Returns when all has ended. The first worker is alone until it serves: an error of its is the result then.
// Later workers' errors are reported, and the result where they come while all end. REQUIRES: this process
// has one thread, and blocks none of the signals above before; it blocks them while it runs, and workers
// start with what was before.
Status Supervise(const SupervisorOptions& options, const Program& program, const RunWorker& run);

}  // namespace slipway::server
