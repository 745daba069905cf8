// Sockets to accept from.
#pragma once

#include <string>
#include <vector>

#include "slipway/status.h"

namespace slipway::server {

// Of a port: that of one process alone, or of several (SO_REUSEPORT), among whose sockets the system deals
// out connections.
enum class PortUse { kAlone, kShared };

// Of a server, listening, by what is served on them; of each kind those of one port.
struct Sockets {
  std::vector<int> http, grpc;
};

// address: of IPv4 or IPv6. port: 0 for any that is free. The caller closes it; programs that are started do
// not get it.
Result<int> Listen(const std::string& address, int port, PortUse use);
// Lets another one share the port of a socket that was opened for one process alone.
void SharePort(int socket);
// REQUIRES: the socket listens.
int PortOf(int socket);

}  // namespace slipway::server
