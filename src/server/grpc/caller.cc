#include "server/grpc/caller.h"

namespace slipway::server {
namespace {

constexpr const char* kHeaders[] = {"authorization", "x-api-key", "x-request-id", "traceparent"};
// Clients take 8 KB of headers, among which the text is, percent-encoded.
constexpr size_t kMaxText = 2000;

// "ipv4:127.0.0.1:4711" -> "127.0.0.1", "ipv6:%5B::1%5D:4711" -> "::1"
std::string AddressIn(const std::string& peer) {
  const size_t begin = peer.find(':') + 1, end = peer.rfind(':');
  if (begin == 0 || end < begin) return peer;
  std::string address = peer.substr(begin, end - begin);
  if (address.starts_with("%5B") && address.ends_with("%5D")) address = address.substr(3, address.size() - 6);
  return address;
}

grpc::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400: return grpc::StatusCode::INVALID_ARGUMENT;
    case 401: return grpc::StatusCode::UNAUTHENTICATED;
    case 403: return grpc::StatusCode::PERMISSION_DENIED;
    case 404: return grpc::StatusCode::NOT_FOUND;
    case 405:
    case 501: return grpc::StatusCode::UNIMPLEMENTED;
    case 413: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case 499: return grpc::StatusCode::CANCELLED;
    case 503: return grpc::StatusCode::UNAVAILABLE;
    default: return grpc::StatusCode::INTERNAL;
  }
}

}  // namespace

Request CallerOf(const grpc::CallbackServerContext& context) {
  Request caller;
  caller.arrived = std::chrono::steady_clock::now();
  caller.peer = AddressIn(context.peer());
  for (const char* name : kHeaders) {
    const auto found = context.client_metadata().find(name);
    if (found != context.client_metadata().end())
      caller.headers.Add(name, std::string(found->second.data(), found->second.size()));
  }
  return caller;
}

grpc::Status GrpcStatusOf(int http_status, const std::string& text) {
  return {CodeOf(http_status), text.size() <= kMaxText ? text : text.substr(0, kMaxText) + "..."};
}

grpc::Status GrpcStatusOf(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string hint = status.hint().empty() ? "" : " (" + status.hint() + ")";
  return GrpcStatusOf(status.code() == Code::kInvalidInput ? 400 : 500, status.message() + hint);
}

}  // namespace slipway::server
