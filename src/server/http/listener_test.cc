// Who may have a port beside whom: as the system sees it.
#include "server/http/listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

namespace slipway::server {
namespace {

using testing::HasSubstr;

constexpr char kAddress[] = "127.0.0.1";

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() : port_{.number = FreePort(), .option = "--some-port"} {}
  ~ListenerTest() override {
    for (int socket : sockets_) close(socket);
  }

  Status Listens(PortUse use, const std::string& address = kAddress) {
    const auto socket = Listen(address, port_, use);
    if (socket.ok()) sockets_.push_back(*socket);
    return socket.status();
  }
  Status Claims(const std::string& address = kAddress) { return PortClaim::Take(address, port_).status(); }
  void CloseAll() {
    for (int socket : sockets_) close(socket);
    sockets_.clear();
  }

  // Which of the sockets a client's connection waits at; -1: none. The server's side closes it first.
  int Connected() {
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_.number));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_connected = connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    const int found = is_connected ? AcceptAnywhere() : -1;
    close(client);
    return found;
  }

  int AcceptAnywhere() {
    std::vector<pollfd> polled;
    for (int each : sockets_) polled.push_back({each, POLLIN, 0});
    poll(polled.data(), polled.size(), 5000);
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      close(accept(sockets_[i], nullptr, nullptr));
      return static_cast<int>(i);
    }
    return -1;
  }

  static int FreePort() {
    const int socket = Listen(kAddress, {.number = 0}, PortUse::kAlone).value();
    const int port = PortOf(socket);
    close(socket);
    return port;
  }

  const NamedPort port_;
  std::vector<int> sockets_;
};

TEST_F(ListenerTest, ErrorsNameAddressPortAndOption) {
  ASSERT_TRUE(Listens(PortUse::kAlone).ok());
  const Status status = Listens(PortUse::kAlone);
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_THAT(status.message(), HasSubstr("127.0.0.1:" + std::to_string(port_.number)));
  EXPECT_THAT(status.hint(), HasSubstr("--some-port"));
}

TEST_F(ListenerTest, WhatIsClaimedIsSharedByItsOwnSocketsAlone) {
  const auto claim = PortClaim::Take(kAddress, port_);
  ASSERT_TRUE(claim.ok()) << claim.status().ToString();
  EXPECT_EQ(Connected(), -1) << "a claim takes no connection";
  EXPECT_FALSE(Claims().ok());
  EXPECT_FALSE(Claims("0.0.0.0").ok());
  EXPECT_FALSE(Listens(PortUse::kAlone).ok());
  ASSERT_TRUE(Listens(PortUse::kShared).ok());
  ASSERT_TRUE(Listens(PortUse::kShared).ok());
  for (int i = 0; i < 20; ++i) EXPECT_GE(Connected(), 0);
  EXPECT_FALSE(Claims().ok());
}

TEST_F(ListenerTest, WhatIsListenedToCannotBeClaimed) {
  for (const PortUse use : {PortUse::kAlone, PortUse::kShared}) {
    ASSERT_TRUE(Listens(use).ok());
    EXPECT_FALSE(Claims().ok());
    EXPECT_FALSE(Claims("0.0.0.0").ok());
    CloseAll();
  }
}

TEST_F(ListenerTest, AClaimEndsWithIt) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Claims().ok()) << Claims().ToString();
  EXPECT_TRUE(Listens(PortUse::kAlone).ok());
}

TEST_F(ListenerTest, OfManyWhoClaimAtOnceOneDoes) {
  constexpr int kRounds = 2000, kClaimers = 4;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);  // on a busy machine
  for (int round = 0; round < kRounds && std::chrono::steady_clock::now() < end; ++round) {
    std::barrier together(kClaimers);
    std::atomic<int> claimed{0};
    std::vector<std::thread> claimers;
    for (int i = 0; i < kClaimers; ++i) {
      claimers.emplace_back([&] {
        together.arrive_and_wait();
        const auto claim = PortClaim::Take(kAddress, port_);
        claimed += claim.ok() ? 1 : 0;
        together.arrive_and_wait();  // nobody lets go before all have tried
      });
    }
    for (std::thread& each : claimers) each.join();
    ASSERT_EQ(claimed, 1) << "round " << round;
  }
}

// A server that was there a moment ago has connections that nobody knows of any more.
TEST_F(ListenerTest, APortThatWasInUseIsFree) {
  ASSERT_TRUE(Listens(PortUse::kAlone).ok());
  ASSERT_EQ(Connected(), 0);
  CloseAll();
  EXPECT_TRUE(Claims().ok()) << Claims().ToString();
}

TEST(ToAddressTest, IsWhatTheSystemListensOn) {
  EXPECT_EQ(ToAddress("localhost").value(), "127.0.0.1");
  EXPECT_EQ(ToAddress("0.0.0.0").value(), "0.0.0.0");
  EXPECT_EQ(ToAddress("[::1]").value(), "::1");
  EXPECT_EQ(ToAddress("::").value(), "::");
  for (const char* text : {"", "nowhere", "[", "[]", "[::1", "::1]", "127.0.0.1:80", "[[::1]]"})
    EXPECT_EQ(ToAddress(text).status().code(), Code::kUsage) << text;
}

TEST(HostAndPortTest, PutsBracketsAroundColons) {
  EXPECT_EQ(HostAndPort("127.0.0.1", 80), "127.0.0.1:80");
  EXPECT_EQ(HostAndPort("::1", 80), "[::1]:80");
}

}  // namespace
}  // namespace slipway::server
