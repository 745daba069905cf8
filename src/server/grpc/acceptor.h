// Accepts connections for gRPC, which takes them as file descriptors.
//
// gRPC's own listener cannot be handed to a successor, and closes with the connections that wait in it. Left
// out: a limit of connections.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "slipway/status.h"

namespace slipway::server {

// Has a thread of its own until Stop().
class Acceptor {
 public:
  // Owns the connection from then on, and may close it at once.
  using Take = std::function<void(int connection)>;

  // socket: listening; this closes it.
  explicit Acceptor(int socket);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  int socket() const { return socket_; }
  // REQUIRES: it has not been called before.
  Status Start(Take take);
  // Takes those that the system has accepted, and closes the socket. Does nothing the second time.
  void Stop();
  // Connections that whoever took them has not closed yet.
  size_t CountOpen();

 private:
  // Known by its inode, too: the number of one that was closed may be another's.
  struct Connection {
    int fd;
    ino_t inode;
  };

  void Run();
  void TakeAll();
  void Add(int connection);
  void ForgetClosed();

  int socket_;
  int wake_[2] = {-1, -1};  // a pipe, closed at its writing end to stop the thread
  Take take_;
  std::mutex mutex_;
  std::vector<Connection> connections_;
  size_t num_kept_ = 0;  // after the last look at which were closed
  std::thread thread_;
};

}  // namespace slipway::server
