// What answers at a port for metrics alone: whoever opens that port to a collector opens nothing else.
#pragma once

#include "server/http/transport.h"

namespace slipway::server {

class MetricsDoor : public Handler {
 public:
  // server: is asked what the door lets through, and told what not; outlives it.
  explicit MetricsDoor(Handler& server) : server_(server) {}

  size_t MaxBodyBytes(const Request&) override { return 0; }
  void Handle(Request request, Reply reply) override;
  WebSocketAnswer OpenWebSocket(const Request& request, std::shared_ptr<WebSocketSink> sink) override;

 private:
  Response Refuse(const Request& request);

  Handler& server_;
};

}  // namespace slipway::server
