#include "server/http/transport.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <thread>

namespace slipway::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr size_t kMaxBody = 1000;
const std::string kHost = "Host: here\r\n";

std::string Get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\n" + kHost + headers + "\r\n";
}

std::string Post(const std::string& headers, const std::string& body) {
  return "POST /echo HTTP/1.1\r\n" + kHost + headers + "\r\n" + body;
}

std::string PostOf(const std::string& body) {
  return Post("Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

// A client that says what the test says, byte by byte.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;

  bool is_connected() const { return is_connected_; }
  void Send(const std::string& text) {
    ASSERT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void EndSending() { shutdown(fd_, SHUT_WR); }

  // What comes, `end` included, until that has come, or the connection ends, or five seconds are over.
  std::string ReadUntil(const std::string& end) {
    size_t at = std::string::npos;
    while (end.empty() || (at = unread_.find(end)) == std::string::npos) {
      const std::string more = ReadSome();
      if (more.empty()) break;
      unread_ += more;
    }
    const std::string text = unread_.substr(0, at == std::string::npos ? at : at + end.size());
    unread_.erase(0, text.size());
    return text;
  }
  // All that comes until the server closes.
  std::string ReadAll() { return ReadUntil(""); }
  // An answer whose body is `body`.
  std::string ReadAnswer(const std::string& body) { return ReadUntil("\r\n\r\n" + body); }

 private:
  std::string ReadSome() {
    pollfd ready{fd_, POLLIN, 0};
    if (poll(&ready, 1, 5000) != 1) return {};
    std::string text(4096, '\0');
    const ssize_t size = recv(fd_, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  const int fd_;
  bool is_connected_ = false;
  std::string unread_;
};

class EchoSocket : public WebSocketListener {
 public:
  explicit EchoSocket(std::shared_ptr<WebSocketSink> sink) : sink_(std::move(sink)) {}
  void OnMessage(Body message, bool) override {
    if (message.text() != "leave") return sink_->SendText("heard " + std::string(message.text()));
    sink_->Close("");
    sink_->Close("");
  }
  void OnClose() override {}

 private:
  const std::shared_ptr<WebSocketSink> sink_;
};

// Says the body again; what asks for /wait is answered by AnswerWaiting().
class EchoHandler : public Handler {
 public:
  size_t MaxBodyBytes(const Request&) override { return kMaxBody; }

  void Handle(Request request, Reply reply) override {
    Response response;
    response.body = request.method + " " + request.path + " " + std::string(request.body.text());
    if (request.path != "/wait") return reply(std::move(response));
    std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::move(reply), std::move(response));
    left_ = request.has_left;
  }

  void OnRefused(const Request& request, Response& response) override {
    response.headers.Add("X-Refused", std::to_string(response.status) + " " + request.method + " " +
                                          request.path + "?" + request.query + " of " + request.peer);
  }

  WebSocketAnswer OpenWebSocket(const Request& request, std::shared_ptr<WebSocketSink> sink) override {
    WebSocketAnswer answer;
    if (request.path == "/socket")
      answer.listener = std::make_unique<EchoSocket>(std::move(sink));
    else
      answer.refusal = Refusal(404, "there is no WebSocket here");
    return answer;
  }

  // Whether so many come to wait.
  bool IsWaiting(size_t count) {
    return Comes([&] { return waiting_.size() == count; });
  }
  void AnswerWaiting(size_t count) {
    ASSERT_TRUE(IsWaiting(count));
    std::lock_guard lock(mutex_);
    for (auto& [reply, response] : waiting_) reply(std::move(response));
    waiting_.clear();
  }
  bool ClientLeaves() {
    return Comes([&] { return left_ != nullptr && *left_; });
  }

 private:
  template <class Condition>
  bool Comes(const Condition& condition) {
    for (int i = 0; i < 1000; ++i) {
      {
        std::lock_guard lock(mutex_);
        if (condition()) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  std::mutex mutex_;
  std::vector<std::pair<Reply, Response>> waiting_;
  std::shared_ptr<const std::atomic<bool>> left_;
};

class TransportTest : public ::testing::Test {
 protected:
  TransportTest() {
    options_.port = 0;
    options_.limits.max_header_bytes = 2048;
    options_.limits.header_timeout = options_.limits.body_timeout = std::chrono::milliseconds(300);
  }

  int Start() {
    auto started = Transport::Start(options_, handler_);
    EXPECT_TRUE(started.ok()) << started.status().ToString();
    transport_ = std::move(*started);
    return transport_->port();
  }
  // What a client gets that sends this on a connection of its own, until the server closes.
  std::string Ask(const std::string& request) {
    if (transport_ == nullptr) Start();
    Client client(transport_->port());
    client.Send(request);
    return client.ReadAll();
  }

  EchoHandler handler_;
  TransportOptions options_;
  std::unique_ptr<Transport> transport_;
};

TEST_F(TransportTest, AnswersRequestAfterRequest) {
  Client client(Start());
  for (int i = 0; i < 3; ++i) {
    client.Send(PostOf("one"));
    EXPECT_THAT(client.ReadAnswer("POST /echo one"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(TransportTest, ClosesWhereTheClientWantsItSo) {
  EXPECT_THAT(Ask(Get("/a", "Connection: close\r\n")), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(Ask("GET /a HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\nGET /a "));
}

TEST_F(TransportTest, AnswersPipelinedRequestsInOrder) {
  Client client(Start());
  client.Send(PostOf("first") + Get("/second"));
  client.ReadAnswer("POST /echo first");
  client.ReadAnswer("GET /second ");
  // What comes behind them is read as well as the first.
  for (const char* name : {"/third", "/fourth"}) {
    client.Send(Get(name) + Get("/behind").substr(0, 9));
    client.ReadAnswer(std::string("GET ") + name + " ");
    client.Send(Get("/behind").substr(9));
    EXPECT_THAT(client.ReadAnswer("GET /behind "), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(TransportTest, PipelinedRequestsWaitForTheAnswerBefore) {
  Client client(Start());
  client.Send(Get("/wait") + Get("/quick"));
  handler_.AnswerWaiting(1);
  EXPECT_THAT(client.ReadAnswer("GET /wait "), EndsWith("GET /wait "));
  EXPECT_THAT(client.ReadAnswer("GET /quick "), EndsWith("GET /quick "));
}

TEST_F(TransportTest, HeadHasTheLengthAndNoBody) {
  const std::string answer = Ask("HEAD /a HTTP/1.1\r\n" + kHost + "Connection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(TransportTest, InvitesABodyThatIsAnnounced) {
  Client client(Start());
  client.Send(Post("Content-Length: 3\r\nExpect: 100-continue\r\n", ""));
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("two");
  EXPECT_THAT(client.ReadAnswer("POST /echo two"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(TransportTest, DoesNotInviteABodyThatIsTooLong) {
  EXPECT_THAT(Ask(Post("Content-Length: 1001\r\nExpect: 100-continue\r\n", "")), StartsWith("HTTP/1.1 413 "));
}

TEST_F(TransportTest, ReadsChunks) {
  Client client(Start());
  client.Send(Post("Transfer-Encoding: chunked\r\n", "3;name=value\r\nabc\r\n"));
  client.Send("2\r\nde\r\n0\r\nTrailer: x\r\n\r\n" + Get("/behind"));
  EXPECT_THAT(client.ReadAnswer("POST /echo abcde"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client.ReadAnswer("GET /behind "), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(TransportTest, RefusesLongBodiesWithoutReadingThem) {
  EXPECT_THAT(Ask(Post("Content-Length: 1000000000\r\n", "")),
              HasSubstr("the body has 1000000000 bytes; 1000 are allowed here"));
  EXPECT_THAT(Ask(Post("Transfer-Encoding: chunked\r\n", "40000000\r\n")), StartsWith("HTTP/1.1 413 "));
  const std::string chunk = "190\r\n" + std::string(0x190, 'x') + "\r\n";
  EXPECT_THAT(Ask(Post("Transfer-Encoding: chunked\r\n", chunk + chunk + chunk)),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(TransportTest, RefusesLongHeaders) {
  EXPECT_THAT(Ask(Get("/a", "X: " + std::string(3000, 'x') + "\r\n")), StartsWith("HTTP/1.1 431 "));
}

TEST_F(TransportTest, ALineThatDoesNotEndTakesNoMoreMemory) {
  Client client(Start());
  client.Send(Post("Transfer-Encoding: chunked\r\n", "3;"));
  const std::string line(4096, 'x');
  for (int i = 0; i < 32; ++i) client.Send(line);
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(TransportTest, TellsClientsThatAreTooSlow) {
  EXPECT_THAT(Ask("GET /a HT"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(Ask(Post("Content-Length: 3\r\n", "ab")), StartsWith("HTTP/1.1 408 "));
}

TEST_F(TransportTest, TellsTheHandlerWhatItRefuses) {
  const std::string known = " GET /a?b of 127.0.0.1\r\n";
  EXPECT_THAT(Ask("GET /a?b HTTP/1.1\r\n\r\n"), HasSubstr("X-Refused: 400" + known));
  EXPECT_THAT(Ask("GET /a?b HTTP/1.1\r\nHo"), HasSubstr("X-Refused: 408" + known));
  EXPECT_THAT(Ask(Get("/a?b", "Content-Length: 1001\r\n")), HasSubstr("X-Refused: 413" + known));
  EXPECT_THAT(Ask(Get("/a?b", "X: " + std::string(3000, 'x') + "\r\n")), HasSubstr("X-Refused: 431"));
  EXPECT_THAT(Ask("nonsense\r\n\r\n"), HasSubstr("X-Refused: 400  ? of 127.0.0.1\r\n"));
}

TEST_F(TransportTest, ASecondRequestIsNotTakenForTheFirst) {
  Client client(Start());
  client.Send(Get("/a"));
  client.ReadAnswer("GET /a ");
  client.Send("nonsense\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), HasSubstr("X-Refused: 400  ? of 127.0.0.1\r\n"));
}

TEST_F(TransportTest, ClosesIdleConnections) {
  options_.limits.idle_timeout = std::chrono::milliseconds(50);
  Client client(Start());
  EXPECT_THAT(client.ReadAll(), IsEmpty());
}

TEST_F(TransportTest, RefusesWhatTwoReadersMayUnderstandInTwoWays) {
  for (const char* headers :
       {"Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3, 3\r\n", "Content-Length: +3\r\n", "Content-Length: 3x\r\n",
        "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Transfer-Encoding: chunked\r\nHost: b\r\n",
        "Content-Length : 3\r\n", "X: a\rb\r\n", "X: a\nb: c\r\n\n"}) {
    EXPECT_THAT(Ask(Post(headers, "0\r\n\r\n")), StartsWith("HTTP/1.1 400 ")) << headers;
  }
  EXPECT_THAT(Ask(Post("Transfer-Encoding: identity\r\n", "abc")), StartsWith("HTTP/1.1 501 "));
  EXPECT_THAT(Ask(Post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")), StartsWith("HTTP/1.1 501 "));
  EXPECT_THAT(Ask("GET /a HTTP/1.1\r\n\r\n"), HasSubstr("one Host header is needed; there are 0"));
  EXPECT_THAT(Ask("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.0 400 "));
}

TEST_F(TransportTest, RefusesWhatIsNoHttp) {
  for (const std::string& text :
       {std::string("\x16\x03\x01\x02"), std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET /\0 HTTP/1.1\r\n\r\n", 20), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Post("Transfer-Encoding: chunked\r\n", "x\r\n"),
        Post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"),
        Post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n")}) {
    EXPECT_THAT(Ask(text), ::testing::ContainsRegex("^HTTP/1.1 40[08] ")) << text;
  }
}

TEST_F(TransportTest, AnswersAClientThatSendsNoMore) {
  Client client(Start());
  client.Send(Get("/wait"));
  client.EndSending();
  handler_.AnswerWaiting(1);
  EXPECT_THAT(client.ReadAll(), EndsWith("\r\n\r\nGET /wait "));
}

TEST_F(TransportTest, KnowsThatAClientHasLeft) {
  {
    Client client(Start());
    client.Send(Get("/wait"));
    EXPECT_TRUE(handler_.IsWaiting(1));
  }
  EXPECT_TRUE(handler_.ClientLeaves());
  handler_.AnswerWaiting(1);
}

// A text message, masked with zeros: RFC 6455, 5.2.
std::string Frame(const std::string& text) {
  return std::string("\x81") + static_cast<char>(0x80 | text.size()) + std::string(4, '\0') + text;
}

const std::string kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST_F(TransportTest, SpeaksOverWebSockets) {
  Client client(Start());
  client.Send(Get("/socket", kUpgrade));
  // The accept value of RFC 6455, 1.3.
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  client.Send(Frame("you"));
  EXPECT_EQ(client.ReadUntil("heard you"), std::string("\x81\x09heard you"));
  EXPECT_EQ(transport_->connections(), 1u);
  // Draining says so to the client (1001), and closes when it has answered.
  transport_->Drain();
  EXPECT_EQ(client.ReadUntil("stops"), std::string("\x88\x12\x03\xE9the server stops"));
}

TEST_F(TransportTest, AWebSocketThatIsClosedTwiceIsGone) {
  {
    Client client(Start());
    client.Send(Get("/socket", kUpgrade));
    client.ReadUntil("\r\n\r\n");
    client.Send(Frame("leave"));
    EXPECT_EQ(client.ReadUntil("\x03\xE9"), std::string("\x88\x02\x03\xE9"));
  }
  for (int i = 0; i < 1000 && transport_->connections() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(transport_->connections(), 0u);
}

TEST_F(TransportTest, FramesDoNotComeBeforeTheWebSocketIsOpen) {
  EXPECT_THAT(Ask(Get("/socket", kUpgrade) + Frame("you")), StartsWith("HTTP/1.1 400 "));
}

TEST_F(TransportTest, ABodyIsNotTakenForFrames) {
  Client client(Start());
  client.Send(Get("/socket", kUpgrade + "Content-Length: 9\r\n") + Frame("you") + Get("/behind"));
  EXPECT_THAT(client.ReadAnswer("GET /socket " + Frame("you")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client.ReadAnswer("GET /behind "), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(TransportTest, ThereIsNoWebSocketEverywhere) {
  EXPECT_THAT(Ask(Get("/elsewhere", kUpgrade)), StartsWith("HTTP/1.1 404 "));
}

TEST_F(TransportTest, DrainsWithoutLosingWhatWasAsked) {
  const int port = Start();
  Client busy(port), idle(port), fresh(port);
  busy.Send(Get("/wait"));
  idle.Send(Get("/a"));
  idle.ReadAnswer("GET /a ");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  transport_->Drain();
  fresh.Send(Get("/late"));
  idle.Send(Get("/late"));
  handler_.AnswerWaiting(1);
  for (Client* client : {&busy, &idle, &fresh}) {
    const std::string answer = client->ReadAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  }
  EXPECT_FALSE(Client(port).is_connected());
}

TEST_F(TransportTest, DrainForgetsThoseWhoHaveLeftBeforeTheirAnswer) {
  {
    Client leaving(Start());
    leaving.Send(Get("/wait"));
    ASSERT_TRUE(handler_.IsWaiting(1));
  }
  ASSERT_TRUE(handler_.ClientLeaves());
  transport_->Drain();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // nothing is left to do but this answer
  handler_.AnswerWaiting(1);
  for (int i = 0; i < 1000 && transport_->connections() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(transport_->connections(), 0u);
}

TEST_F(TransportTest, DrainAcceptsThoseThatTheSystemHasAccepted) {
  const int port = Start();
  std::vector<std::unique_ptr<Client>> clients;
  // The only thread for I/O is held up meanwhile: none of them is accepted yet.
  std::mutex hold;
  hold.lock();
  transport_->Post([&] { std::lock_guard wait(hold); });
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<Client>(port));
  transport_->Drain();
  hold.unlock();
  for (auto& client : clients) {
    client->Send(Get("/late"));
    EXPECT_THAT(client->ReadAll(), EndsWith("\r\n\r\nGET /late "));
  }
}

TEST_F(TransportTest, BodiesThatAreBeingReadShareABudget) {
  options_.limits.max_reading_bytes = 1500;
  options_.limits.body_timeout = std::chrono::seconds(10);
  const std::string body(1000, 'x');
  Client slow(Start());
  slow.Send(PostOf(body).substr(0, 200));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_THAT(Ask(PostOf(body)), StartsWith("HTTP/1.1 503 "));
  slow.Send(PostOf(body).substr(200));
  EXPECT_THAT(slow.ReadAnswer("POST /echo " + body), StartsWith("HTTP/1.1 200 OK\r\n"));
  slow.Send(PostOf(body));
  EXPECT_THAT(slow.ReadAnswer("POST /echo " + body), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(TransportTest, TakesNoMoreConnectionsThanAllowed) {
  options_.limits.max_connections = 1;
  Client first(Start());
  first.Send(Get("/a"));
  first.ReadAnswer("GET /a ");
  EXPECT_THAT(Client(transport_->port()).ReadAll(), IsEmpty());
  first.Send(Get("/b"));
  EXPECT_THAT(first.ReadAnswer("GET /b "), Not(IsEmpty()));
}

}  // namespace
}  // namespace slipway::server
