// What connections over TLS do otherwise than plain ones: tests/serve has the rest, with a program's
// certificates.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "server/http/transport.h"

namespace slipway::server {
namespace {

using ::testing::StartsWith;

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <class T, auto kFree>
using Owned = std::unique_ptr<T, Freed<kFree>>;

// A certificate that its key has signed, as two PEM files.
TlsFiles MakeTlsFiles(const std::filesystem::path& folder) {
  const TlsFiles files{(folder / "cert.pem").string(), (folder / "key.pem").string()};
  const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const Owned<X509, X509_free> certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const Owned<BIO, BIO_free> certificate_file(BIO_new_file(files.certificate.c_str(), "w"));
  PEM_write_bio_X509(certificate_file.get(), certificate.get());
  const Owned<BIO, BIO_free> key_file(BIO_new_file(files.key.c_str(), "w"));
  PEM_write_bio_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return files;
}

const std::string kUpgrade =
    " HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

class Client {
 public:
  explicit Client(int port)
      : fd_(socket(AF_INET, SOCK_STREAM, 0)), context_(SSL_CTX_new(TLS_client_method())) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return;
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), fd_);
    if (SSL_connect(tls_.get()) != 1) tls_.reset();
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;

  // The head of the answer; empty: none came.
  std::string Ask(const std::string& request) {
    std::string answer;
    if (tls_ == nullptr) return answer;
    SSL_write(tls_.get(), request.data(), static_cast<int>(request.size()));
    char byte;
    while (!answer.ends_with("\r\n\r\n") && SSL_read(tls_.get(), &byte, 1) == 1) answer += byte;
    return answer;
  }

 private:
  const int fd_;
  const Owned<SSL_CTX, SSL_CTX_free> context_;
  Owned<SSL, SSL_free> tls_;
};

class KeepingListener : public WebSocketListener {
 public:
  explicit KeepingListener(std::shared_ptr<WebSocketSink> sink) : sink_(std::move(sink)) {}
  void OnMessage(Body, bool) override {}
  void OnClose() override {}

 private:
  const std::shared_ptr<WebSocketSink> sink_;
};

// Has WebSockets at /socket, and drains where they are asked for elsewhere.
class OddHandler : public Handler {
 public:
  size_t MaxBodyBytes(const Request&) override { return 0; }
  void Handle(Request, Reply reply) override { reply({}); }
  WebSocketAnswer OpenWebSocket(const Request& request, std::shared_ptr<WebSocketSink> new_sink) override {
    sink = new_sink;
    if (request.path == "/socket")
      return {.listener = std::make_unique<KeepingListener>(std::move(new_sink))};
    transport->Drain();
    return {.refusal = Response{.status = 404}};
  }

  std::unique_ptr<Transport> transport;
  std::weak_ptr<WebSocketSink> sink;  // of the last
};

class TransportTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto folder = std::filesystem::temp_directory_path() / ("slipway_tls_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    auto started = Transport::Start({.port = 0, .tls = MakeTlsFiles(folder)}, handler_);
    std::filesystem::remove_all(folder);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    handler_.transport = std::move(*started);
  }

  OddHandler handler_;
};

// The connection's stream belongs to the WebSocket then: draining must not ask it.
TEST_F(TransportTlsTest, DrainsWhileAWebSocketIsAskedFor) {
  Client client(handler_.transport->port());
  EXPECT_THAT(client.Ask("GET /elsewhere" + kUpgrade), StartsWith("HTTP/1.1 404 "));
}

TEST_F(TransportTlsTest, NothingIsLeftOfAWebSocketThatIsOpenAtTheEnd) {
  Client client(handler_.transport->port());
  EXPECT_THAT(client.Ask("GET /socket" + kUpgrade), StartsWith("HTTP/1.1 101 "));
  EXPECT_FALSE(handler_.sink.expired());
  handler_.transport.reset();
  EXPECT_TRUE(handler_.sink.expired());
}

}  // namespace
}  // namespace slipway::server
