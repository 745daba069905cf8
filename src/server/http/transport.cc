#include "server/http/transport.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "server/http/connection.h"
#include "server/http/listener.h"

namespace slipway::server {
namespace {

using Error = beast::error_code;

constexpr int kMostQueued = 4096;  // connections that the system has accepted

// A socket is a file: as many as connections, and some for models and logs.
void RaiseFileLimit(size_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = connections + 256;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

class BeastTransport : public Transport {
 public:
  BeastTransport(const TransportOptions& options, Handler& handler)
      : options_(options),
        shared_{.limits = options_.limits, .handler = handler},
        io_(options.threads),
        work_(io_.get_executor()),
        acceptor_(asio::make_strand(io_)),
        pause_(acceptor_.get_executor()) {}

  ~BeastTransport() override {
    Drain();
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  Status Open() {
    if (options_.tls) SLIPWAY_RETURN_IF_ERROR(LoadTls(*options_.tls));
    RaiseFileLimit(options_.limits.max_connections);
    int socket = options_.socket;
    if (socket < 0) {
      const PortUse use = options_.shares_port ? PortUse::kShared : PortUse::kAlone;
      SLIPWAY_ASSIGN_OR_RETURN(socket, Listen(options_.address, {options_.port, options_.port_option}, use));
    }
    SLIPWAY_RETURN_IF_ERROR(AcceptFrom(socket));
    Accept();
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { io_.run(); });
    return Status::Ok();
  }

  int port() const override {
    Error ignored;
    return acceptor_.local_endpoint(ignored).port();
  }
  int socket() const override { return const_cast<Tcp::acceptor&>(acceptor_).native_handle(); }
  size_t connections() const override { return shared_.count; }

  void Drain() override {
    if (shared_.is_draining.exchange(true)) return;
    // Counted among the connections until those are known that wait to be accepted.
    asio::post(acceptor_.get_executor(),
               [this, counted = std::make_shared<Counted>(shared_)] { StopAccepting(); });
    shared_.drains.DrainAll();
  }

  void Post(std::function<void()> task) override { asio::post(io_, std::move(task)); }

 private:
  Status Failed(const std::string& what, const Error& error, std::string hint = {}) const {
    return Status(Code::kIo, what + ": " + error.message(), std::move(hint));
  }

  Status LoadTls(const TlsFiles& files) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
    Error error;
    tls_->use_certificate_chain_file(files.certificate, error);
    if (error)
      return Failed("TLS certificate '" + files.certificate + "'", error, "give a PEM file with the chain");
    // OpenSSL would ask at the terminal.
    bool wants_passphrase = false;
    Error ignored;
    tls_->set_password_callback(
        [&](size_t, asio::ssl::context::password_purpose) {
          wants_passphrase = true;
          return std::string();
        },
        ignored);
    tls_->use_private_key_file(files.key, asio::ssl::context::pem, error);
    tls_->set_password_callback([](size_t, asio::ssl::context::password_purpose) { return std::string(); },
                                ignored);
    if (error && wants_passphrase) {
      return Status(Code::kIo,
                    "TLS key '" + files.key + "' is encrypted, and nobody is asked for its passphrase",
                    "openssl pkey -in " + files.key + " -out plain.pem takes it off");
    }
    if (error) return Failed("TLS key '" + files.key + "'", error, "give the PEM key of that certificate");
    return Status::Ok();
  }

  Status AcceptFrom(int socket) {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0)
      return Status(Code::kUsage,
                    "file descriptor " + std::to_string(socket) + " is no socket to accept from");
    Error error;
    acceptor_.assign(address.ss_family == AF_INET6 ? Tcp::v6() : Tcp::v4(), socket, error);
    if (error) return Failed("socket " + std::to_string(socket), error);
    return Status::Ok();
  }

  void Accept() {
    acceptor_.async_accept(asio::make_strand(io_), [this](Error error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return AcceptLater();  // out of files, say: those that wait are served when others have left
      Begin(std::move(socket));
      if (acceptor_.is_open()) Accept();
    });
  }

  // Clients whose connection the system has accepted count on an answer: closing would reset them.
  void StopAccepting() {
    Error error;
    acceptor_.non_blocking(true, error);
    for (int i = 0; i < kMostQueued && !error; ++i) {
      Tcp::socket socket(asio::make_strand(io_));
      acceptor_.accept(socket, error);
      if (!error) Begin(std::move(socket));
    }
    acceptor_.close(error);
  }

  void AcceptLater() {
    pause_.expires_after(std::chrono::milliseconds(20));
    pause_.async_wait([this](Error error) {
      if (!error && acceptor_.is_open()) Accept();
    });
  }

  void Begin(Tcp::socket socket) {
    if (shared_.count >= options_.limits.max_connections) return;  // which closes it
    Error ignored;
    std::string peer = socket.remote_endpoint(ignored).address().to_string();
    if (tls_)
      Keep(std::make_shared<Connection<TlsStream>>(TlsStream(std::move(socket), *tls_), std::move(peer),
                                                   shared_));
    else
      Keep(std::make_shared<Connection<Tcp::socket>>(std::move(socket), std::move(peer), shared_));
  }

  template <class C>
  void Keep(const std::shared_ptr<C>& connection) {
    shared_.drains.Add(connection, shared_.count);
    connection->Start();
  }

  const TransportOptions options_;
  Shared shared_;  // outlives the connections, which the context holds
  asio::io_context io_;
  // Its threads run to the end. Without connections they would end while one that is just being told to
  // drain, or whose client has left before its answer, still counts, and nobody would forget it.
  const asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::optional<asio::ssl::context> tls_;
  Tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<Transport>> Transport::Start(const TransportOptions& options, Handler& handler) {
  auto transport = std::make_unique<BeastTransport>(options, handler);
  SLIPWAY_RETURN_IF_ERROR(transport->Open());
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace slipway::server
