// HTTP/1.1 over TCP, and over TLS, by Boost.Beast: accepts, reads requests within limits, asks a handler, and
// writes its answers; WebSockets are handed on message by message.
//
// Every connection keeps its own deadlines (header, body, idle, write), so that a slow client costs a socket
// and a few kilobytes, never a thread. Requests of one connection are answered one after the other.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/http/message.h"
#include "slipway/status.h"

namespace slipway::server {

struct TransportLimits {
  size_t max_connections = 20'000;
  size_t max_header_bytes = 16 << 10;
  size_t max_reading_bytes = size_t{1} << 30;        // of all bodies that are being read; beyond it: 503
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte of a request to its last header
  std::chrono::milliseconds idle_timeout{600'000};   // between requests
  std::chrono::milliseconds body_timeout{60'000};    // for the whole body
  std::chrono::milliseconds write_timeout{60'000};
};

// Answers once, from any thread; later answers are left alone.
using Reply = std::function<void(Response)>;

// One side of an open WebSocket, to write to from any thread.
class WebSocketSink {
 public:
  virtual ~WebSocketSink() = default;
  virtual void SendText(std::string text) = 0;
  // Ends it behind what was sent; nothing is sent afterwards. reason: in at most 123 bytes of ASCII, for the
  // client.
  virtual void Close(std::string reason) = 0;
};

// What a WebSocket does with what it gets. Called by one thread at a time.
class WebSocketListener {
 public:
  virtual ~WebSocketListener() = default;
  virtual void OnMessage(Body message, bool is_text) = 0;
  virtual void OnClose() = 0;
};

// What becomes of a request for a WebSocket.
struct WebSocketAnswer {
  std::unique_ptr<WebSocketListener> listener;  // null: it is refused
  std::string protocol;                         // chosen among those that the client offers; empty: none
  Response refusal;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // What may be said once the headers are known: how large a body is read (nothing of a larger one is), or an
  // answer that needs no body. `request` has none yet.
  virtual size_t MaxBodyBytes(const Request& request) = 0;
  // A whole request. Called on an I/O thread: long work goes elsewhere.
  virtual void Handle(Request request, Reply reply) = 0;
  // A request that gets no further than the one who calls, and the answer to it, which may be added to. What
  // could not be read of the request is empty.
  virtual void OnRefused(const Request& /*request*/, Response& /*response*/) {}
  virtual WebSocketAnswer OpenWebSocket(const Request& request, std::shared_ptr<WebSocketSink> sink) = 0;
};

struct TlsFiles {
  std::string certificate;  // PEM, the chain
  std::string key;          // PEM
};

struct TransportOptions {
  std::string address = "127.0.0.1";
  int port = 8000;                     // 0: any that is free
  std::string port_option = "--port";  // that sets it: errors say so
  int threads = 1;                     // for I/O
  TransportLimits limits;
  std::optional<TlsFiles> tls;
  int socket = -1;           // to accept from, inherited and listening; -1: a new one
  bool shares_port = false;  // SO_REUSEPORT: several processes accept from the port
};

// Starts at once, and stops in its destructor.
class Transport {
 public:
  static Result<std::unique_ptr<Transport>> Start(const TransportOptions& options, Handler& handler);
  virtual ~Transport() = default;

  virtual int port() const = 0;
  virtual int socket() const = 0;  // listening; to hand on
  virtual size_t connections() const = 0;
  // Accepts those that the system has accepted, and no more; closes connections that are idle and WebSockets,
  // and the others after their answer.
  virtual void Drain() = 0;
  // Calls `task` on a thread for I/O.
  virtual void Post(std::function<void()> task) = 0;
};

}  // namespace slipway::server
