#include "serve/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "serve/report.h"

namespace slipway::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string Reply(const std::string& body, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// What becomes of the n-th request: the bytes that answer it, and whether the connection then closes.
struct Turn {
  std::string bytes;
  enum class Then { kStay, kClose } then = Then::kStay;
};

// A server of one thread, one connection at a time, for requests without a body.
class Server {
 public:
  explicit Server(std::function<Turn(int)> script)
      : script_(std::move(script)),
        acceptor_(io_, {asio::ip::address_v4::loopback(), 0}),
        thread_([this] { Serve(); }) {}
  ~Server() {
    is_over_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
  }
  Url url() const {
    return *ParseUrl("http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/x");
  }
  int requests() const { return requests_; }

 private:
  void Serve() {
    while (!is_over_) {
      boost::system::error_code error;
      tcp::socket socket = acceptor_.accept(error);
      std::string seen;
      while (!error) {
        const size_t size = asio::read_until(socket, asio::dynamic_buffer(seen), "\r\n\r\n", error);
        if (error) break;
        seen.erase(0, size);
        const Turn turn = script_(requests_++);
        asio::write(socket, asio::buffer(turn.bytes), error);
        if (turn.then == Turn::Then::kClose) break;
      }
    }
  }

  std::function<Turn(int)> script_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::atomic<bool> is_over_{false};
  std::atomic<int> requests_{0};
  std::thread thread_;
};

LoadReport Load(const Server& server, const std::function<void(LoadOptions&)>& change) {
  LoadOptions options{.url = server.url(), .requests = 20};
  change(options);
  const auto report = RunLoad(options);
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? *report : LoadReport{};
}

TEST(LoadTest, EveryRequestIsCountedOnOneConnection) {
  const Server server([](int) { return Turn{Reply("{}")}; });
  const LoadReport report = Load(server, [](LoadOptions&) {});
  EXPECT_EQ(server.requests(), 20);
  EXPECT_EQ(report.sent, 20u);
  EXPECT_EQ(report.answered, 20u);
  EXPECT_EQ(report.connects, 1u);
  EXPECT_EQ(report.received_bytes, 20 * Reply("{}").size());
  EXPECT_EQ(report.latency_ns.count(), 20u);
  EXPECT_THAT(report.statuses, ElementsAre(Pair(200, 20u)));
  EXPECT_EQ(report.Failures(), 0u);
  EXPECT_NEAR(report.per_second * report.seconds, 20, 1e-6);
}

TEST(LoadTest, AServerThatClosesCostsConnectsOnly) {
  const Server server([](int) {
    return Turn{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", Turn::Then::kClose};
  });
  const LoadReport report = Load(server, [](LoadOptions&) {});
  EXPECT_EQ(report.connects, 20u);
  EXPECT_EQ(report.Failures(), 0u);
}

TEST(LoadTest, ABodyMayEndWithTheConnection) {
  const Server server([](int) { return Turn{"HTTP/1.1 200 OK\r\n\r\nall", Turn::Then::kClose}; });
  EXPECT_EQ(Load(server, [](LoadOptions& o) { o.body_check = BodyCheck::kSameAsFirst; }).Failures(), 0u);
}

TEST(LoadTest, StatusesThatAreNotGoodAreFailures) {
  const Server server([](int n) { return n % 4 == 0 ? Turn{Reply("", "503 Busy")} : Turn{Reply("{}")}; });
  const LoadReport report = Load(server, [](LoadOptions&) {});
  EXPECT_THAT(report.statuses, ElementsAre(Pair(200, 15u), Pair(503, 5u)));
  EXPECT_EQ(report.Failures(), 5u);
  EXPECT_NEAR(report.per_second * report.seconds, 15, 1e-6);
}

TEST(LoadTest, AnotherBodyIsAFailureWhenAskedFor) {
  const Server server([](int n) { return Turn{Reply(n == 7 ? "{ }" : "{}")}; });
  EXPECT_EQ(Load(server, [](LoadOptions&) {}).Failures(), 0u);
  const Server again([](int n) { return Turn{Reply(n == 7 ? "{ }" : "{}")}; });
  const LoadReport report = Load(again, [](LoadOptions& o) { o.body_check = BodyCheck::kSameAsFirst; });
  EXPECT_EQ(report.wrong_bodies, 1u);
  EXPECT_EQ(report.Failures(), 1u);
}

TEST(LoadTest, BrokenAnswersAreErrorsAndTheLoadGoesOn) {
  const Server server([](int n) {
    if (n == 1) return Turn{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Turn::Then::kClose};
    if (n == 2) return Turn{"no answer at all\r\n\r\n", Turn::Then::kClose};
    if (n == 3) return Turn{"", Turn::Then::kClose};
    if (n == 4) return Turn{Reply("{}") + "more"};
    return Turn{Reply("{}")};
  });
  const LoadReport report = Load(server, [](LoadOptions&) {});
  uint64_t errors = 0;
  for (const auto& [error, count] : report.errors) {
    EXPECT_THAT(error, HasSubstr("receive: "));
    errors += count;
  }
  EXPECT_EQ(errors, 4u);
  EXPECT_EQ(report.answered, 16u);
  EXPECT_EQ(report.sent, 20u);
  EXPECT_EQ(report.Failures(), 4u);
}

TEST(LoadTest, AnAnswerTooBigIsAnError) {
  const Server server([](int) {
    return Turn{"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", Turn::Then::kClose};
  });
  EXPECT_EQ(Load(server, [](LoadOptions&) {}).Failures(), 20u);
}

TEST(LoadTest, SilenceIsGivenUp) {
  const Server server([](int n) { return Turn{n == 1 ? "" : Reply("{}")}; });
  const LoadReport report = Load(server, [](LoadOptions& o) {
    o.requests = 3;
    o.timeout_seconds = 0.1;
  });
  EXPECT_THAT(report.errors, ElementsAre(Pair("receive: no answer in time", 1u)));
  EXPECT_EQ(report.answered, 2u);
}

// One stall of 0.2 s: a closed loop would see it in one latency, an open loop sees it in all that were due
// meanwhile.
TEST(LoadTest, AnOpenLoopCountsFromWhenARequestWasDue) {
  const Server server([](int n) {
    if (n == 20) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return Turn{Reply("{}")};
  });
  const LoadReport report = Load(server, [](LoadOptions& o) {
    o.requests = 200;
    o.rate = 500;
  });
  EXPECT_EQ(report.answered, 200u);
  EXPECT_GT(report.latency_ns.Percentile(85), 50'000'000u);
  EXPECT_GT(report.longest_queue, 20u);
}

TEST(LoadTest, AnOpenLoopKeepsItsRate) {
  const Server server([](int) { return Turn{Reply("{}")}; });
  const LoadReport report = Load(server, [](LoadOptions& o) {
    o.requests = 0;
    o.seconds = 0.5;
    o.warmup_seconds = 0.1;
    o.rate = 1000;
  });
  // Five standard deviations of a Poisson count of 500.
  EXPECT_NEAR(static_cast<double>(report.sent), 500, 112);
  EXPECT_EQ(report.sent, report.answered);
  EXPECT_GT(server.requests(), static_cast<int>(report.sent)) << "the warm-up is sent, not counted";
}

TEST(LoadTest, WhatNeverFindsAConnectionIsUnsent) {
  const Server server([](int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return Turn{Reply("{}")};
  });
  const LoadReport report = Load(server, [](LoadOptions& o) {
    o.requests = 60;
    o.rate = 1000;
    o.timeout_seconds = 0.2;
  });
  EXPECT_EQ(report.sent + report.unsent, 60u);
  EXPECT_GT(report.unsent, 20u);
  EXPECT_GE(report.Failures(), report.unsent);
}

TEST(LoadTest, ASilentPortIsAnError) {
  asio::io_context io;
  tcp::acceptor unused(io, {asio::ip::address_v4::loopback(), 0});
  const auto port = unused.local_endpoint().port();
  unused.close();
  const auto report = RunLoad({.url = *ParseUrl("http://127.0.0.1:" + std::to_string(port))});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.status().code(), Code::kIo);
  EXPECT_THAT(report.status().message(), HasSubstr("127.0.0.1:" + std::to_string(port)));
}

TEST(LoadTest, OptionsOutOfRangeAreRefused) {
  const auto refused = [](const std::function<void(LoadOptions&)>& change) {
    LoadOptions options{.url = *ParseUrl("http://127.0.0.1:1")};
    change(options);
    return RunLoad(options).status().code() == Code::kUsage;
  };
  EXPECT_TRUE(refused([](LoadOptions& o) { o.connections = 0; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.seconds = -1; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.seconds = NAN; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.rate = INFINITY; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.rate = 1e6, o.seconds = 1e5; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.method = "GET /"; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.headers = {{"A", "b\r\nC: d"}}; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.headers = {{"A b", "c"}}; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.headers = {{"content-length", "3"}}; }));
}

TEST(LoadTest, TheRequestIsWholeHttp) {
  LoadOptions options{
      .url = *ParseUrl("http://a:8/p?q"), .method = "POST", .headers = {{"K", "V"}}, .body = "xyz"};
  EXPECT_EQ(*RequestText(options), "POST /p?q HTTP/1.1\r\nHost: a:8\r\nK: V\r\nContent-Length: 3\r\n\r\nxyz");
  options.method = "GET";
  options.body.clear();
  EXPECT_EQ(*RequestText(options), "GET /p?q HTTP/1.1\r\nHost: a:8\r\nK: V\r\n\r\n");
}

TEST(ReportTest, JsonHasWhatTheTextHas) {
  LoadReport report{
      .sent = 4, .answered = 3, .statuses = {{200, 2}, {500, 1}}, .errors = {{"receive: x", 1}}};
  for (uint64_t ms : {1, 2, 3}) report.latency_ns.Record(ms * 1'000'000);
  const LoadOptions options{.url = *ParseUrl("http://a:8/p")};
  const auto json = nlohmann::json::parse(ReportJson(options, report));
  EXPECT_EQ(json["statuses"]["500"], 1);
  EXPECT_EQ(json["errors"]["receive: x"], 1);
  EXPECT_EQ(json["failures"], 2);
  EXPECT_NEAR(json["latency_ms"]["p50"].get<double>(), 2, 0.002);
  EXPECT_EQ(json["latency_ms"]["max"], 3.0);
  EXPECT_THAT(ReportText(options, report), HasSubstr("4 sent, 3 answered, 2 failed"));
}

}  // namespace
}  // namespace slipway::serve
