#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>

#include "api/load.h"
#include "base/nearest.h"
#include "server/assets.h"
#include "server/background.h"
#include "server/endpoints/endpoints.h"
#include "server/endpoints/infer_call.h"
#include "server/endpoints/router.h"
#include "server/event_log.h"
#include "server/frames.h"
#include "server/grpc_module.h"
#include "server/http/content_coding.h"
#include "server/http/header_value.h"
#include "server/http/trace_context.h"
#include "server/metrics_door.h"
#include "server/refusals.h"

namespace slipway::server {
namespace {

constexpr size_t kWorthCoding = 1024;  // bytes; less grows or saves nothing
// The subprotocol of streams. A client that offers some must get one of them, and never its key back.
constexpr std::string_view kFramesProtocol = "slipway.frames";

// 16 hex digits, never all zero: also a span's, as W3C's trace context wants it.
std::string NewId() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}", random() | 1);
}

// One that a header and a line of the log can hold.
bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

// A client's own id, where it is one.
std::string IdOf(const Request& request) {
  const std::string_view given = request.headers.Get("X-Request-ID");
  return IsId(given) ? std::string(given) : NewId();
}

// A message's own id tells the calls of a stream apart, whose metadata is one.
std::string IdOf(const InferCall& call) { return IsId(call.id) ? call.id : IdOf(call.caller); }

class TheServer : public Server, public Handler, public InferHandler {
 public:
  explicit TheServer(const ServerOptions& options)
      : options_(options),
        repository_(WithEvents(options.repository)),
        scheduler_(options.scheduler),
        site_{repository_, scheduler_, options.limits, ProducerName().substr(ProducerName().find(' ') + 1)},
        access_(options.access),
        events_(options.log.form, options.worker, options.on_event) {
    site_.allows_control = options.allows_control;
    site_.worker = options.worker;
    site_.processes = options.processes;
    site_.workers = options.scheduler.workers > 0 ? options.scheduler.workers : AvailableCores();
    site_.gives_out = [this](const std::string& model) { return access_.MayUse(model); };
  }

  // What connections wait for is answered while they are there; the objects go after the threads that use
  // them.
  ~TheServer() override {
    for (auto& transport : transports_) transport->Drain();
    grpc_.reset();
    background_.Stop();
    scheduler_.Stop();
  }

  Status Open() {
    SLIPWAY_ASSIGN_OR_RETURN(log_, AccessLog::Open(options_.log));
    GrpcEntry start_grpc = nullptr;
    if (options_.grpc_port) {
      SLIPWAY_ASSIGN_OR_RETURN(start_grpc, LoadGrpcModule());
    }
    SLIPWAY_RETURN_IF_ERROR(repository_.Refresh());
    SLIPWAY_RETURN_IF_ERROR(CheckAllowedModels());
    has_loaded_ = true;
    SLIPWAY_ASSIGN_OR_RETURN(auto http, Transport::Start(options_.http, *this));
    transports_.push_back(std::move(http));
    if (options_.metrics_port) {
      TransportOptions metrics = options_.http;
      metrics.port = *options_.metrics_port;
      metrics.port_option = "--metrics-port";
      metrics.threads = 1;
      metrics.socket = -1;
      metrics.shares_port = true;  // with a successor
      SLIPWAY_ASSIGN_OR_RETURN(auto transport, Transport::Start(metrics, metrics_door_));
      transports_.push_back(std::move(transport));
    }
    if (start_grpc != nullptr) SLIPWAY_RETURN_IF_ERROR(OpenGrpc(start_grpc));
    if (options_.watch_every.count() > 0) background_.Every(options_.watch_every, [this] { Watch(); });
    return Status::Ok();
  }

  int port() const override { return transports_[0]->port(); }
  std::optional<int> grpc_port() const override {
    return grpc_ == nullptr ? std::nullopt : std::optional(grpc_->port());
  }
  Sockets sockets() const override {
    Sockets sockets{.http = {transports_[0]->socket()}};
    if (grpc_ != nullptr) sockets.grpc.push_back(grpc_->socket());
    return sockets;
  }
  const Repository& repository() const override { return repository_; }

  void Refresh(std::function<void()> done) override {
    const auto refresh = [this, done] {
      Tell("reading the repositories", repository_.Refresh());
      done();
    };
    if (background_.Post(refresh)) return;
    Tell("reading the repositories",
         Status(Code::kIo, "too many models are being loaded already", "try again"));
    done();
  }

  void ReopenLog() override { Tell("reopening the log", log_->Reopen()); }

  uint64_t answered() const override { return answered_; }

  void Beat(std::function<void()> beat) override {
    transports_[0]->Post([this, beat = std::move(beat)] { scheduler_.Visit(beat); });
  }

  void GiveNotice() override { site_.is_draining = true; }

  bool Drain(std::chrono::milliseconds patience) override {
    site_.is_draining = true;
    const auto end = Clock::now() + patience;
    for (auto& transport : transports_) transport->Drain();
    if (grpc_ != nullptr) grpc_->Drain(std::chrono::system_clock::now() + patience);
    while (Clock::now() < end) {
      size_t connections = 0;
      for (auto& transport : transports_) connections += transport->connections();
      if (connections == 0 && scheduler_.IsIdle()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  size_t MaxBodyBytes(const Request&) override { return options_.limits.max_body_bytes; }

  void Handle(Request request, Reply reply) override {
    Name(request, IdOf(request));
    // The answer needs the request's headers, the call its body.
    auto asked = std::make_shared<Request>(request);
    asked->body = Body();
    Reply finish = [this, asked, reply = std::move(reply)](Response response) {
      Finish(*asked, response);
      reply(std::move(response));
    };
    Dispatch(std::move(request), std::move(finish));
  }

  // Logged as the HTTP request that asks for the same.
  void Infer(InferCall call, InferDone done) override {
    Name(call.caller, IdOf(call));
    auto asked = std::make_shared<Request>(call.caller);
    asked->method = "POST";
    asked->path = "/v2/models/" + call.model + "/infer";
    InferDone finish = [this, asked, done = std::move(done)](InferAnswer answer) {
      ++answered_;
      size_t bytes = answer.error.size();
      for (const InferAnswer::Output& output : answer.outputs) bytes += output.bytes.size();
      Note(*asked, answer.status, bytes);
      done(std::move(answer));
    };
    if (!access_.HasKey(call.caller)) return finish(ErrorAnswer(401, Status(Code::kUsage, kNeedsKey)));
    if (!access_.MayUse(call.model)) return finish(ErrorAnswer(403, Status(Code::kUsage, kNotGivenOut)));
    AnswerInferCall(site_, std::move(call), std::move(finish));
  }

  void OnRefused(const Request& request, Response& response) override {
    Request asked = request;
    Name(asked, IdOf(request));
    Finish(asked, response);
  }

  bool IsReady() const override { return !site_.is_draining && repository_.IsReady(); }

  WebSocketAnswer OpenWebSocket(const Request& request, std::shared_ptr<WebSocketSink> sink) override {
    WebSocketAnswer answer = OpenStream(request, std::move(sink));
    Request asked = request;
    Name(asked, IdOf(request));
    if (answer.listener == nullptr)
      Finish(asked, answer.refusal);
    else
      Note(asked, 101, 0);
    return answer;
  }

 private:
  // What the start loads is in the index, which is read then.
  RepositoryOptions WithEvents(RepositoryOptions options) {
    options.on_event = [this](const ModelEvent& event) {
      if (has_loaded_) events_.Write(event);
    };
    return options;
  }

  void Tell(const char* doing, const Status& status) const {
    if (!status.ok()) events_.WriteFailure(doing, status);
  }

  // What is wrong for long is said once.
  void Watch() {
    const Status status = repository_.Refresh();
    if (status.message() != watch_error_) Tell("reading the repositories", status);
    watch_error_ = status.message();
  }

  // A mistyped name would hide the model that is meant.
  Status CheckAllowedModels() const {
    std::vector<std::string> names;
    for (const IndexEntry& entry : repository_.Index()) names.push_back(entry.name);
    const std::vector<std::string_view> known(names.begin(), names.end());
    for (const std::string& model : options_.access.models) {
      if (std::ranges::find(known, model) != known.end()) continue;
      return Status(Code::kNotFound,
                    "--allow-model: there is no model '" + model + "'" + DidYouMean(model, known));
    }
    return Status::Ok();
  }

  Status OpenGrpc(GrpcEntry start) {
    GrpcOptions grpc;
    grpc.address = options_.http.address;
    grpc.port = *options_.grpc_port;
    grpc.socket = options_.grpc_socket;
    grpc.tls = options_.http.tls;
    grpc.max_message_bytes = options_.limits.max_body_bytes;
    grpc.max_buffered_bytes = options_.scheduler.max_waiting_bytes;
    grpc.handshake_timeout = options_.http.limits.header_timeout;
    grpc.idle_timeout = options_.http.limits.idle_timeout;
    Result<std::unique_ptr<GrpcTransport>> started = std::unique_ptr<GrpcTransport>();
    start(grpc, *this, *this, started);
    SLIPWAY_ASSIGN_OR_RETURN(grpc_, std::move(started));
    return Status::Ok();
  }

  WebSocketAnswer OpenStream(const Request& request, std::shared_ptr<WebSocketSink> sink) {
    const auto refuse = [](Response response) { return WebSocketAnswer{.refusal = std::move(response)}; };
    if (!access_.IsKnownHost(request)) return refuse(UnknownHost(request));
    if (!access_.HasKey(request)) return refuse(NoKey());
    if (!access_.IsOfAllowedPage(request)) return refuse(ForeignPage(request));
    const auto path = StreamPathOf(request);
    if (!path) return refuse(ErrorResponse(404, "there is no WebSocket at this path"));
    if (!access_.MayUse(path->model)) return refuse(NotGivenOut());
    if (site_.is_draining) return refuse(ErrorResponse(503, "the server is about to stop"));
    auto listener = OpenFrames(site_, *path, request, std::move(sink));
    if (!listener.ok()) return refuse(ErrorResponse(listener.status()));
    WebSocketAnswer answer{.listener = std::move(*listener)};
    for (const std::string_view offered : SplitUnquoted(request.headers.Get("Sec-WebSocket-Protocol"), ',')) {
      if (offered == kFramesProtocol) answer.protocol = offered;
    }
    return answer;
  }

  void Dispatch(Request request, Reply reply) {
    if (!access_.IsKnownHost(request)) return reply(UnknownHost(request));
    if (access_.IsPreflight(request)) return reply({.status = 204, .content_type = "text/plain"});
    // The page is for everybody: it asks for the key itself.
    if (auto asset = assets_.Find(request)) return reply(std::move(*asset));
    if (!IsHealth(request.path) && !access_.HasKey(request)) return reply(NoKey());
    if (!access_.IsOfAllowedPage(request)) return reply(ForeignPage(request));
    if (const Status status = CheckCodings(request.headers.Get("Content-Encoding")); !status.ok())
      return reply(UnknownCoding(status));
    const auto segments = SplitPath(request.path);
    if (!segments.ok()) return reply(ErrorResponse(segments.status()));
    RouteMatch match = FindRoute(request.method, *segments);
    if (match.endpoint == nullptr) {
      if (!match.allowed.empty()) return reply(NotAllowed(match.allowed));
      if (StreamPathOf(request)) return reply(NoWebSocket(request));
      return reply(NotFound());
    }
    if (!access_.MayUse(match.model)) return reply(NotGivenOut());
    auto query = Query::Parse(request.query);
    if (!query.ok()) return reply(ErrorResponse(query.status()));
    Call call{site_,
              std::move(request),
              std::move(*query),
              std::move(match.model),
              std::move(match.version),
              std::move(reply)};
    if (match.pace == Pace::kFast) return match.endpoint(std::move(call));
    Reply busy = call.reply;
    auto kept = std::make_shared<Call>(std::move(call));
    if (!background_.Post([endpoint = match.endpoint, kept] { endpoint(std::move(*kept)); }))
      busy(ErrorResponse(503, "too many models are being loaded, or the server is stopping"));
  }

  // How logs and traces tell it from others.
  static void Name(Request& request, std::string id) {
    request.id = std::move(id);
    request.trace = TraceContextOf(request.headers, NewId());
  }

  // What every answer has.
  void Finish(const Request& request, Response& response) {
    ++answered_;
    response.headers.Add("X-Request-ID", request.id);
    if (response.status == 503) response.headers.Add("Retry-After", std::to_string(site_.SecondsOfWork()));
    access_.AddCors(request, response);
    Compress(Negotiate(request.headers.Get("Accept-Encoding")), response);
    Note(request, response.status, response.body.size());
  }

  static void Compress(Coding coding, Response& response) {
    // A picture is compressed already, and the page's files (they have an ETag) where it is worth it.
    const bool is_done = response.content_type.starts_with("image/") || response.headers.Has("ETag");
    if (response.body.size() < kWorthCoding || is_done) return;
    response.headers.Add("Vary", "Accept-Encoding");
    if (coding == Coding::kIdentity) return;
    auto coded = Encode(coding, response.body);
    if (!coded.ok()) return;
    response.body = std::move(*coded);
    response.headers.Add("Content-Encoding", std::string(CodingName(coding)));
  }

  void Note(const Request& request, int status, size_t bytes) {
    site_.answers.Add(status);
    log_->Write(request, status, bytes);
  }

  const ServerOptions options_;
  Repository repository_;
  Scheduler scheduler_;
  Site site_;
  Access access_;
  const EventLog events_;
  std::atomic<bool> has_loaded_{false};  // what the start is told to
  std::string watch_error_;              // of the last time
  AssetStore assets_;
  MetricsDoor metrics_door_{*this};
  std::unique_ptr<AccessLog> log_;
  std::atomic<uint64_t> answered_{0};
  Background background_;
  std::vector<std::unique_ptr<Transport>> transports_;
  std::unique_ptr<GrpcTransport> grpc_;  // null: no gRPC
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  auto server = std::make_unique<TheServer>(options);
  SLIPWAY_RETURN_IF_ERROR(server->Open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace slipway::server
