#include "server/grpc/grpc_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <mutex>
#include <sstream>
#include <thread>

#include "server/grpc/acceptor.h"
#include "server/grpc/service.h"
#include "server/http/listener.h"

namespace slipway::server {
namespace {

constexpr std::chrono::milliseconds kHealthPeriod{250};
// Of draining: between looks at the connections, and for a client that was asked to leave.
constexpr std::chrono::milliseconds kLook{10}, kGoodbye{500};
// A client that vanished without a word is noticed after these two together.
constexpr int kKeepaliveMs = 60'000, kKeepaliveTimeoutMs = 20'000;
// Of one connection; more wait in the client.
constexpr int kMaxStreams = 1024;

int Clamped(size_t value) {
  return static_cast<int>(std::min<size_t>(value, std::numeric_limits<int>::max()));
}

int Milliseconds(std::chrono::milliseconds time) {
  return time.count() > 0 ? Clamped(static_cast<size_t>(time.count())) : std::numeric_limits<int>::max();
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (file && text) return std::move(text).str();
  return Status(Code::kIo, "'" + path + "' cannot be read");
}

Result<std::shared_ptr<grpc::ServerCredentials>> CredentialsOf(const std::optional<TlsFiles>& files) {
  if (!files) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  SLIPWAY_ASSIGN_OR_RETURN(const std::string key, ReadFile(files->key));
  SLIPWAY_ASSIGN_OR_RETURN(const std::string certificate, ReadFile(files->certificate));
  options.pem_key_cert_pairs.push_back({key, certificate});
  return grpc::SslServerCredentials(options);
}

// Their own words go to standard error, where nobody asked for them.
void KeepQuiet() {
  google::protobuf::SetLogHandler(nullptr);
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

class TheGrpcServer : public GrpcTransport {
 public:
  TheGrpcServer(Handler& http, InferHandler& infer) : infer_(infer), service_(http, infer) {}

  ~TheGrpcServer() override {
    if (server_ == nullptr) return;
    acceptor_->Stop();
    StopHealth();
    service_.Stop();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  Status Open(const GrpcOptions& options) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    SLIPWAY_ASSIGN_OR_RETURN(const auto credentials, CredentialsOf(options.tls));
    int socket = options.socket;
    if (socket < 0) {
      SLIPWAY_ASSIGN_OR_RETURN(socket,
                               Listen(options.address, {options.port, "--grpc-port"}, PortUse::kAlone));
    }
    acceptor_ = std::make_unique<Acceptor>(socket);
    port_ = PortOf(socket);
    connection_age_ = options.connection_age;
    using Connections = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
    connections_ = builder.experimental().AddExternalConnectionAcceptor(Connections::FROM_FD, credentials);
    SetLimits(options, builder);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return Status(Code::kInternal, "gRPC does not start");
    SLIPWAY_RETURN_IF_ERROR(acceptor_->Start([this](int connection) { Take(connection); }));
    health_ = std::thread([this] { TellHealth(); });
    return Status::Ok();
  }

  int port() const override { return port_; }

  int socket() const override { return acceptor_->socket(); }

  // A call that comes when gRPC's server is shut down already is cancelled: clients are let go before.
  void Drain(std::chrono::system_clock::time_point end) override {
    acceptor_->Stop();
    StopHealth();
    const auto now = std::chrono::system_clock::now();
    const auto leave_by = now + std::min(LongestAge(), (end - now) / 2);
    while (acceptor_->CountOpen() > 0 && std::chrono::system_clock::now() < leave_by)
      std::this_thread::sleep_for(kLook);
    service_.Stop();
    server_->Shutdown(end);
  }

 private:
  void Take(int connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters taken;
    taken.listener_fd = acceptor_->socket();
    taken.fd = connection;
    connections_->HandleNewConnection(&taken);
  }

  // gRPC's jitter is a tenth; then the client has its say.
  std::chrono::system_clock::duration LongestAge() const { return connection_age_ * 11 / 10 + kGoodbye; }

  static void SetLimits(const GrpcOptions& options, grpc::ServerBuilder& builder) {
    builder.SetMaxReceiveMessageSize(Clamped(options.max_message_bytes));
    builder.SetMaxSendMessageSize(-1);
    // A message's size is limited as it comes, not as it unpacks: packed ones are refused.
    for (const grpc_compression_algorithm coding : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP})
      builder.SetCompressionAlgorithmSupportStatus(coding, false);
    grpc::ResourceQuota quota("slipway");
    quota.Resize(std::max(options.max_buffered_bytes, 2 * options.max_message_bytes));
    builder.SetResourceQuota(quota);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(options.idle_timeout));
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Milliseconds(options.handshake_timeout));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(options.connection_age));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  }

  // Watches what the handler says, for gRPC's own health service wants to be told.
  void TellHealth() {
    std::unique_lock lock(mutex_);
    while (!is_stopping_) {
      SetHealth(infer_.IsReady());
      wake_.wait_for(lock, kHealthPeriod, [this] { return is_stopping_; });
    }
    SetHealth(false);
  }

  void SetHealth(bool is_ready) {
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    health->SetServingStatus("", is_ready);
    health->SetServingStatus(inference::GRPCInferenceService::service_full_name(), is_ready);
  }

  void StopHealth() {
    {
      std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    if (health_.joinable()) health_.join();
  }

  InferHandler& infer_;
  InferenceService service_;
  int port_ = 0;
  std::chrono::milliseconds connection_age_{0};
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread health_;
};

}  // namespace

Result<std::unique_ptr<GrpcTransport>> StartGrpcServer(const GrpcOptions& options, Handler& http,
                                                       InferHandler& infer) {
  KeepQuiet();
  auto server = std::make_unique<TheGrpcServer>(http, infer);
  SLIPWAY_RETURN_IF_ERROR(server->Open(options));
  return std::unique_ptr<GrpcTransport>(std::move(server));
}

}  // namespace slipway::server
