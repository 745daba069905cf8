// ModelInfer and ModelStreamInfer: requests to the handler, its answers to the client.
//
// Reactors never wait: they hand requests on, and whoever answers goes on with the reactor.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <unordered_map>

#include "server/grpc/transport.h"

namespace slipway::server {

// Deletes itself when the call is over.
grpc::ServerUnaryReactor* AnswerInfer(const grpc::CallbackServerContext& context, InferHandler& handler,
                                      const grpc::ByteBuffer& request, grpc::ByteBuffer& response);

class InferStream;

// The streams that are open, so that a server that stops can end them. From any thread.
class InferStreams {
 public:
  // The stream keeps itself until its call is over.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(
      const grpc::CallbackServerContext& context, InferHandler& handler);
  // Streams read no more and end, with UNAVAILABLE, when what they have read is answered.
  void Stop();

 private:
  friend class InferStream;
  void Forget(const InferStream* stream);

  std::mutex mutex_;
  std::unordered_map<const InferStream*, std::weak_ptr<InferStream>> open_;
  bool is_stopping_ = false;
};

}  // namespace slipway::server
