// libFuzzer entry: any bytes as what a client says over one connection, to the server's own code for it. What
// the handler is asked is what a plain reader of HTTP/1.1 sees, so that no request hides in another; each is
// answered once and in order; and the same bytes in other pieces give the same requests and answers.
//
// All of it runs on one thread: the server's end is one of a pair of Unix sockets. Left out on purpose: TLS,
// and time (no deadline passes).
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "server/http/connection.h"
#include "server/http/header_value.h"
#include "server/http/plain_reader.h"

namespace {

using namespace slipway::server;  // NOLINT: the whole program

constexpr size_t kMaxBody = 40;
constexpr size_t kMaxText = 4096;  // libFuzzer's own limit for small seeds
constexpr std::chrono::hours kNever(1000);
constexpr TransportLimits kLimits{.max_header_bytes = 400,
                                  .header_timeout = kNever,
                                  .idle_timeout = kNever,
                                  .body_timeout = kNever,
                                  .write_timeout = kNever};

void Check(bool holds) {
  if (!holds) __builtin_trap();
}

// What the client gets for `request`, the number-th of its connection: status and body.
std::string AnswerTo(const PlainRequest& request, size_t number) {
  if (request.target == "/none") return "204 ";
  if (request.method == "HEAD") return "200 ";
  return "200 " + std::to_string(number) + request.method + request.target + request.body;
}

class EchoSocket : public WebSocketListener {
 public:
  explicit EchoSocket(std::shared_ptr<WebSocketSink> sink) : sink_(std::move(sink)) {}
  void OnMessage(Body message, bool) override {
    Check(message.size() <= kMaxBody);
    sink_->SendText("heard");
  }
  void OnClose() override {}

 private:
  const std::shared_ptr<WebSocketSink> sink_;
};

// Answers at once, but what asks for /wait.
class Recorder : public Handler {
 public:
  const std::vector<PlainRequest>& asked() const { return asked_; }
  bool is_upgraded() const { return is_upgraded_; }

  size_t MaxBodyBytes(const Request&) override { return kMaxBody; }

  void Handle(Request request, Reply reply) override {
    Check(request.body.size() <= kMaxBody && !is_upgraded_);
    const size_t number = asked_.size();
    asked_.push_back(Plain(request));
    const std::string answer = AnswerTo(asked_.back(), number);
    Response response{.status = std::stoi(answer), .body = answer.substr(4)};
    if (request.method == "HEAD") response.body = "as long as this";
    if (request.path != "/wait") return reply(std::move(response));
    Check(!waiting_);  // the requests of a connection are answered one after the other
    waiting_ = [reply = std::move(reply), response = std::move(response)] { reply(response); };
  }

  WebSocketAnswer OpenWebSocket(const Request& request, std::shared_ptr<WebSocketSink> sink) override {
    WebSocketAnswer answer;
    if (request.path != "/socket") {
      answer.refusal = Refusal(404, "there is no WebSocket here");
      return answer;
    }
    is_upgraded_ = true;
    asked_.push_back(Plain(request));
    answer.listener = std::make_unique<EchoSocket>(std::move(sink));
    return answer;
  }

  // Whether one was waiting.
  bool AnswerWaiting() {
    if (!waiting_) return false;
    std::exchange(waiting_, nullptr)();
    return true;
  }

 private:
  static PlainRequest Plain(const Request& request) {
    PlainRequest plain{
        .method = request.method, .target = request.path, .body = std::string(request.body.text())};
    if (!request.query.empty()) plain.target += "?" + request.query;
    for (const auto& [name, value] : request.headers.fields()) plain.headers.insert(name + ":" + value);
    return plain;
  }

  std::vector<PlainRequest> asked_;
  std::function<void()> waiting_;
  bool is_upgraded_ = false;
};

// A connection and its client.
class Conversation {
 public:
  Conversation() {
    int ends[2];
    Check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    client_ = ends[1];
    // Asio asks no descriptor what it is; only TCP_NODELAY fails, which the server does not insist on.
    const auto connection =
        std::make_shared<Connection<Tcp::socket>>(Tcp::socket(Io(), Tcp::v4(), ends[0]), "peer", shared_);
    shared_.drains.Add(connection, shared_.count);
    connection->Start();
    Settle();
  }

  ~Conversation() {
    close(client_);
    AnswerAll();
    // Whatever was said, nothing is left of it.
    Check(shared_.count == 0 && shared_.reading_bytes == 0);
  }

  const Recorder& handler() const { return handler_; }
  const std::string& answers() const { return answers_; }

  void Send(std::string_view text) {
    // That the server has closed is no fault: it has refused something.
    (void)!send(client_, text.data(), text.size(), MSG_NOSIGNAL);
    Settle();
  }
  void EndSending() {
    shutdown(client_, SHUT_WR);
    Settle();
  }
  bool AnswerWaiting() {
    const bool was_waiting = handler_.AnswerWaiting();
    Settle();
    return was_waiting;
  }
  void AnswerAll() {
    do Settle();
    while (AnswerWaiting());
  }
  void Drain() {
    shared_.is_draining = true;
    shared_.drains.DrainAll();
    Settle();
  }

 private:
  static asio::io_context& Io() {
    static asio::io_context io(1);
    return io;
  }

  // Until nothing happens any more.
  void Settle() {
    do {
      Io().restart();
      Receive();
    } while (Io().poll() > 0);
  }
  void Receive() {
    char bytes[4096];
    for (ssize_t size = 1; size > 0;) {
      size = recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (size > 0) answers_.append(bytes, static_cast<size_t>(size));
    }
  }

  Recorder handler_;
  Shared shared_{.limits = kLimits, .handler = handler_};
  int client_ = -1;
  std::string answers_;
};

struct Outcome {
  std::vector<PlainRequest> asked;
  std::vector<std::string> answers;  // status and body, without interim ones
  bool is_upgraded = false;
};

// Takes the next answer from `text`; what remains may be its body where the request was HEAD.
http::response<http::string_body> TakeAnswer(std::string_view& text, bool is_of_head) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.skip(is_of_head);
  beast::error_code error;
  text.remove_prefix(parser.put(asio::buffer(text.data(), text.size()), error));
  // (A refusal of HEAD, whose request nobody has seen, has a length and no body either.)
  Check(!error && (parser.is_done() || (parser.is_header_done() && text.empty())));
  return parser.release();
}

Outcome Judge(const Conversation& conversation) {
  Outcome outcome{.asked = conversation.handler().asked(),
                  .is_upgraded = conversation.handler().is_upgraded()};
  const size_t requests = outcome.asked.size() - (outcome.is_upgraded ? 1 : 0);
  for (std::string_view text = conversation.answers(); !text.empty();) {
    const size_t number = outcome.answers.size();
    const bool is_of_head = number < requests && outcome.asked[number].method == "HEAD";
    const auto answer = TakeAnswer(text, is_of_head);
    const bool is_interim = answer.result_int() == 100 || answer.result_int() == 102;
    if (is_interim) continue;
    if (number == requests && outcome.is_upgraded) break;  // frames follow
    Check(number <= requests);
    outcome.answers.push_back(std::to_string(answer.result_int()) + " " + answer.body());
    if (number < requests)
      Check(outcome.answers.back() == AnswerTo(outcome.asked[number], number));
    else
      Check(answer.result_int() >= 400 && !answer.keep_alive() && text.empty());
  }
  Check(outcome.answers.size() >= requests);
  return outcome;
}

// The bytes in pieces, of at most so many bytes each.
Outcome InPieces(std::string_view text, size_t most) {
  Conversation conversation;
  for (size_t at = 0, pieces = 1; at < text.size(); ++pieces) {
    const size_t size = std::min(1 + static_cast<uint8_t>(text[at]) % most, text.size() - at);
    conversation.Send(text.substr(at, size));
    if (pieces % 7 == 0) conversation.AnswerWaiting();
    at += size;
  }
  conversation.AnswerAll();
  conversation.EndSending();
  conversation.AnswerAll();
  return Judge(conversation);
}

// The client sends no more before it has an answer.
Outcome AtOnce(std::string_view text) {
  Conversation conversation;
  conversation.Send(text);
  conversation.EndSending();
  conversation.AnswerAll();
  return Judge(conversation);
}

// The server stops when the client has said half of it; then the client vanishes.
std::vector<PlainRequest> Interrupted(std::string_view text) {
  Conversation conversation;
  conversation.Send(text.substr(0, text.size() / 2));
  conversation.Drain();
  conversation.Send(text.substr(text.size() / 2));
  return conversation.handler().asked();
}

bool IsPrefix(const std::vector<PlainRequest>& some, const std::vector<PlainRequest>& all) {
  return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin());
}

// What the connection ended with, beside the answers to what was asked; empty where it is nothing.
std::string RefusalOf(const Outcome& outcome) {
  const size_t requests = outcome.asked.size() - (outcome.is_upgraded ? 1 : 0);
  return outcome.answers.size() > requests ? outcome.answers.back() : "";
}

// How many requests come to the same however they are cut. What is sent along with a request for a WebSocket
// may be too early; and headers that are just as long as allowed are too long for Beast where they come byte
// by byte.
size_t CountSure(const Outcome& outcome) {
  if (outcome.is_upgraded) return outcome.asked.size() - 1;
  return RefusalOf(outcome).starts_with("431 ") ? outcome.asked.size() : std::string::npos;
}

// Answers follow from what was asked. Which refusal nonsense gets, if any before the client stops, depends on
// where the parser was when it met it; what is well framed is refused either way or not at all.
void CheckAlike(const Outcome& a, const Outcome& b, const std::vector<PlainRequest>& framed) {
  const size_t sure = std::min(CountSure(a), CountSure(b));
  if (sure == std::string::npos) {
    Check(a.asked == b.asked);
    const bool is_next_framed = framed.size() > a.asked.size();
    return Check(!is_next_framed || RefusalOf(a).empty() == RefusalOf(b).empty());
  }
  for (const Outcome* each : {&a, &b}) Check(each->asked.size() >= sure);
  Check(std::equal(a.asked.begin(), a.asked.begin() + sure, b.asked.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxText) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<PlainRequest> framed = PlainReader(text).ReadAll();
  const Outcome whole = AtOnce(text);
  const Outcome pieces = InPieces(text, 11);
  Check(IsPrefix(whole.asked, framed) && IsPrefix(pieces.asked, framed) &&
        IsPrefix(Interrupted(text), framed));
  CheckAlike(whole, pieces, framed);
  if (size <= 400) CheckAlike(whole, InPieces(text, 1), framed);
  return 0;
}
