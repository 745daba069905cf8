#include "server/grpc/acceptor.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "server/http/listener.h"

namespace slipway::server {
namespace {

// A client's end; the system accepts it, whether the program does or not.
int Connect(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return client;
}

TEST(AcceptorTest, TakesThoseThatWaitBeforeItStops) {
  const int socket = Listen("127.0.0.1", {0}, PortUse::kAlone).value();
  std::vector<int> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(Connect(PortOf(socket)));
  std::vector<int> taken;
  Acceptor acceptor(socket);
  ASSERT_TRUE(acceptor.Start([&taken](int connection) { taken.push_back(connection); }).ok());
  acceptor.Stop();
  EXPECT_EQ(taken.size(), 100u);
  EXPECT_EQ(acceptor.CountOpen(), 100u);
  for (int connection : taken) close(connection);
  for (int client : clients) close(client);
}

TEST(AcceptorTest, ClosedConnectionsAreNotCountedAlthoughOthersHaveTheirNumbers) {
  const int socket = Listen("127.0.0.1", {0}, PortUse::kAlone).value();
  std::atomic<int> taken = -1;
  Acceptor acceptor(socket);
  ASSERT_TRUE(acceptor.Start([&taken](int connection) { taken = connection; }).ok());
  const int client = Connect(PortOf(socket));
  while (taken < 0) std::this_thread::yield();
  EXPECT_EQ(acceptor.CountOpen(), 1u);
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ASSERT_EQ(dup2(pair[0], taken), taken);  // closes it
  EXPECT_EQ(acceptor.CountOpen(), 0u);
  for (int fd : {client, taken.load(), pair[0], pair[1]}) close(fd);
}

}  // namespace
}  // namespace slipway::server
