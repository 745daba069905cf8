// Sockets to accept from.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "slipway/status.h"

namespace slipway::server {

struct NamedPort {
  int number = 0;                 // 0: any that is free
  std::string option = "--port";  // that sets it: errors say so
};

// Of a port: that of one process alone, or of several (SO_REUSEPORT), among whose sockets the system deals
// out connections.
enum class PortUse { kAlone, kShared };

// Of a server, listening, by what is served on them; of each kind those of one port.
struct Sockets {
  std::vector<int> http, grpc;
};

// What to listen on as IPv4 or IPv6 write it: also of "localhost", and in brackets, as URLs have it. An error
// (kUsage): it is something else.
Result<std::string> ToAddress(const std::string& text);
// "127.0.0.1:80", "[::1]:80"
std::string HostAndPort(const std::string& host, int port);

// address: of IPv4 or IPv6. The caller closes it; programs that are started do not get it.
Result<int> Listen(const std::string& address, const NamedPort& port, PortUse use);

// Keeps a port for sockets of this program and its children, which share it, before the first of them
// listens: whoever shares a port finds out about nobody else who does. Takes no connection.
class PortClaim {
 public:
  // An error: somebody listens there, or has claimed it. REQUIRES: a port's number.
  static Result<PortClaim> Take(const std::string& address, const NamedPort& port);
  PortClaim(PortClaim&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  PortClaim& operator=(PortClaim&&) = delete;
  ~PortClaim();

 private:
  explicit PortClaim(int socket) : socket_(socket) {}

  int socket_;  // -1: moved from
};

// Lets another one share the port of a socket that was opened for one process alone.
void SharePort(int socket);
// REQUIRES: the socket listens.
int PortOf(int socket);
// Closes those from `first` on, and forgets them.
void CloseFrom(size_t first, std::vector<int>& sockets);

}  // namespace slipway::server
