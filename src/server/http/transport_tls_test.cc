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

// What the server answers to `request` until it closes.
std::string AskOverTls(int port, const std::string& request) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const Owned<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
    const Owned<SSL, SSL_free> tls(SSL_new(context.get()));
    SSL_set_fd(tls.get(), fd);
    char bytes[4096];
    int size = 0;
    if (SSL_connect(tls.get()) == 1 &&
        SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) > 0) {
      while ((size = SSL_read(tls.get(), bytes, sizeof(bytes))) > 0)
        answer.append(bytes, static_cast<size_t>(size));
    }
  }
  close(fd);
  return answer;
}

// Is told to drain while it looks at a request for a WebSocket, which it refuses.
class DrainingHandler : public Handler {
 public:
  size_t MaxBodyBytes(const Request&) override { return 0; }
  void Handle(Request, Reply reply) override { reply({}); }
  WebSocketAnswer OpenWebSocket(const Request&, std::shared_ptr<WebSocketSink>) override {
    transport->Drain();
    return {.refusal = Response{.status = 404}};
  }

  std::unique_ptr<Transport> transport;
};

// The connection's stream belongs to the WebSocket then: draining must not ask it.
TEST(TransportTlsTest, DrainsWhileAWebSocketIsAskedFor) {
  const auto folder = std::filesystem::temp_directory_path() / ("slipway_tls_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  DrainingHandler handler;
  auto started = Transport::Start({.port = 0, .tls = MakeTlsFiles(folder)}, handler);
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(started.ok()) << started.status().ToString();
  handler.transport = std::move(*started);
  EXPECT_THAT(AskOverTls(handler.transport->port(),
                         "GET /socket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
              StartsWith("HTTP/1.1 404 "));
  handler.transport.reset();
}

}  // namespace
}  // namespace slipway::server
