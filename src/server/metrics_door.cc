#include "server/metrics_door.h"

#include "server/access.h"
#include "server/protocol/error.h"

namespace slipway::server {

void MetricsDoor::Handle(Request request, Reply reply) {
  if (request.path == "/metrics" || IsHealth(request.path))
    return server_.Handle(std::move(request), std::move(reply));
  reply(Refuse(request));
}

WebSocketAnswer MetricsDoor::OpenWebSocket(const Request& request, std::shared_ptr<WebSocketSink>) {
  return {.refusal = Refuse(request)};
}

Response MetricsDoor::Refuse(const Request& request) {
  Response response = ErrorResponse(404, "this port answers /metrics and the health of the server alone");
  server_.OnRefused(request, response);
  return response;
}

}  // namespace slipway::server
