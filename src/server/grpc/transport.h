// The gRPC door as the program sees it, without gRPC: the module behind it (module_main.cc) is loaded where
// it is asked for.
//
// The module turns calls into what the server knows anyway: inference into InferCall, everything else into
// the HTTP request that asks for the same, whose JSON answer is protobuf's. Keys, limits, logs and errors are
// therefore those of HTTP. Left out: a limit of connections, which Debian's gRPC has not; reflection.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "server/http/transport.h"
#include "server/protocol/infer_call.h"
#include "slipway/status.h"

namespace slipway::server {

struct GrpcOptions {
  std::string address = "127.0.0.1";
  int port = 8001;  // 0: any that is free
  int socket = -1;  // to accept from, inherited and listening; -1: a new one
  std::optional<TlsFiles> tls;
  size_t max_message_bytes = size_t{64} << 20;
  size_t max_buffered_bytes = size_t{1} << 30;  // of messages that have not arrived whole
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds idle_timeout{600'000};  // of a connection without calls
  // After which a client is asked to make a new connection, and keeps the old one for the calls that it has
  // there. Only so does gRPC let a client go without cancelling what is on its way; it is what draining waits
  // for.
  std::chrono::milliseconds connection_age{5'000};
};

// What the server does for the door. Called on gRPC's threads: returns at once.
class InferHandler {
 public:
  virtual ~InferHandler() = default;
  virtual void Infer(InferCall call, InferDone done) = 0;
  // For grpc.health.v1.
  virtual bool IsReady() const = 0;
};

// Cancels what is still open in its destructor, which needs the handlers.
class GrpcTransport {
 public:
  virtual ~GrpcTransport() = default;
  virtual int port() const = 0;
  virtual int socket() const = 0;  // listening; to hand on
  // Is not ready and accepts those connections that the system has accepted, and no more; answers calls until
  // clients have left, then ends streams. Returns when what was asked is answered, or at `end`.
  virtual void Drain(std::chrono::system_clock::time_point end) = 0;
};

// The module lies beside the program.
inline constexpr char kGrpcModule[] = "slipway_grpc.so";
// What it exports. The number goes up with every change of this file, infer_call.h, http/transport.h or
// http/message.h, so that a module of another version is not taken.
inline constexpr char kGrpcEntry[] = "slipway_grpc_start_2";
using GrpcEntry = void (*)(const GrpcOptions& options, Handler& http, InferHandler& infer,
                           Result<std::unique_ptr<GrpcTransport>>& started);

}  // namespace slipway::server
