// A new program in place of this one, on the same sockets: how a server is replaced without losing a request.
//
// The successor is this program as it is on disk now, with the arguments and environment of this one. It
// finds the sockets' and a pipe's file descriptors in SLIPWAY_LISTEN_FD ("5,6"), SLIPWAY_GRPC_FD and
// SLIPWAY_READY_FD, writes a byte to the pipe when it serves, and the predecessor drains.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "server/http/listener.h"
#include "slipway/status.h"

namespace slipway::server {

// How this program was started. To be asked early: a new version may soon be at its path.
struct Program {
  std::string path;
  std::vector<std::string> arguments;

  static Program Running();
};

class Successor {
 public:
  enum class State { kStarting, kReady, kFailed };

  // Starts it; its standard streams are ours.
  static Result<Successor> Start(const Program& program, const Sockets& sockets);
  Successor(Successor&& other) noexcept : pid_(other.pid_), ready_(other.ready_) { other.ready_ = -1; }
  Successor& operator=(Successor&&) = delete;
  ~Successor();

  // Without waiting.
  State Check();
  // It is not to take over: it is killed.
  void Stop();
  pid_t pid() const { return pid_; }

 private:
  Successor(pid_t pid, int ready) : pid_(pid), ready_(ready) {}

  const pid_t pid_;
  int ready_;  // the pipe's end to read from; -1: moved from
};

// What a predecessor left for this program to accept from; empty: there is none. Taken once: programs that
// are started from here do not see it.
Sockets TakeInheritedSockets();
// Says that this program serves; nothing where there is no predecessor.
void TellPredecessor();
// For a child of this process that has no part in it.
void ForgetPredecessor();

}  // namespace slipway::server
