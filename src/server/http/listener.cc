#include "server/http/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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
                  "for example 127.0.0.1 or ::1, or 0.0.0.0 for all");
  }
  return address;
}

}  // namespace

Result<std::string> ToAddress(const std::string& text) {
  if (text == "localhost") return std::string("127.0.0.1");
  const bool has_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  std::string address = has_brackets ? text.substr(1, text.size() - 2) : text;
  SLIPWAY_RETURN_IF_ERROR(Parse(address, 0).status());
  return address;
}

std::string HostAndPort(const std::string& host, int port) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

Result<int> Listen(const std::string& text, const NamedPort& port, PortUse use) {
  SLIPWAY_ASSIGN_OR_RETURN(const Address address, Parse(text, port.number));
  const auto failed = [&](std::string hint) {
    return Status(Code::kIo,
                  "cannot listen on " + HostAndPort(text, port.number) + ": " + std::strerror(errno),
                  std::move(hint));
  };
  const int fd = socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed({});
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (use == PortUse::kShared) SharePort(fd);
  if (bind(fd, address.get(), address.length) == 0 && listen(fd, kBacklog) == 0) return fd;
  const Status error = failed("is another server running there? " + port.option + " takes another");
  close(fd);
  return error;
}

// The system lets two sockets have a port that both allow it, and of those with SO_REUSEADDR (which a port
// wants that was in use a moment ago) it looks at those that listen. So the socket listens once, which fails
// where another does; allows no sharing but that of SO_REUSEPORT, which nobody's first socket asks for; and
// stops, without letting go of the port. In this order: another that has its address already may listen
// between any two of these calls.
Result<PortClaim> PortClaim::Take(const std::string& address, const NamedPort& port) {
  SLIPWAY_ASSIGN_OR_RETURN(const int socket, Listen(address, port, PortUse::kAlone));
  const int no = 0;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &no, sizeof(no));
  shutdown(socket, SHUT_RD);
  SharePort(socket);
  return PortClaim(socket);
}

PortClaim::~PortClaim() {
  if (socket_ >= 0) close(socket_);
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

void CloseFrom(size_t first, std::vector<int>& sockets) {
  for (size_t i = first; i < sockets.size(); ++i) close(sockets[i]);
  sockets.resize(std::min(first, sockets.size()));
}

}  // namespace slipway::server
