// Is the server, is a model there? As Triton answers: the status tells, and a body for people.
#include "server/endpoints/endpoints.h"

namespace slipway::server {
namespace {

void AnswerWhether(const Call& call, bool is_so, const char* what) {
  Response response;
  response.status = is_so ? 200 : 503;
  response.body = std::string("{\"") + what + "\":" + (is_so ? "true}" : "false}");
  call.Answer(std::move(response));
}

}  // namespace

void ServerLive(Call call) { AnswerWhether(call, true, "live"); }

void ServerReady(Call call) {
  AnswerWhether(call, !call.site.is_draining && call.site.repository.IsReady(), "ready");
}

void ModelReady(Call call) { AnswerWhether(call, call.site.Find(call.model, call.version).ok(), "ready"); }

// TorchServe's.
void Ping(Call call) {
  const bool is_ready = !call.site.is_draining && call.site.repository.IsReady();
  Response response;
  response.status = is_ready ? 200 : 500;
  response.body = is_ready ? "{\"status\":\"Healthy\"}" : "{\"status\":\"Unhealthy\"}";
  call.Answer(std::move(response));
}

}  // namespace slipway::server
