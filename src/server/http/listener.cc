#include "server/http/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace slipway::server {
namespace {

constexpr int kBacklog = 4096;  // connections that wait to be accepted

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<Address> Parse(const std::string& text, int port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof(sockaddr_in6);
  } else {
    return Status(Code::kUsage, "'" + text + "' is no address to listen on",
                  "for example 127.0.0.1, or 0.0.0.0 for all");
  }
  return address;
}

}  // namespace

Result<int> Listen(const std::string& text, int port, PortUse use) {
  SLIPWAY_ASSIGN_OR_RETURN(const Address address, Parse(text, port));
  const auto failed = [&](std::string hint) {
    return Status(Code::kIo,
                  "cannot listen on " + text + ":" + std::to_string(port) + ": " + std::strerror(errno),
                  std::move(hint));
  };
  const int fd = socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed({});
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (use == PortUse::kShared) SharePort(fd);
  if (bind(fd, address.get(), address.length) == 0 && listen(fd, kBacklog) == 0) return fd;
  const Status error =
      failed("is another server running there? --port, --grpc-port and --metrics-port take others");
  close(fd);
  return error;
}

void SharePort(int socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
}

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

}  // namespace slipway::server
