#include "server/grpc/service.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/grpc/control_rpc.h"

namespace slipway::server {
namespace {

using Json = nlohmann::json;

Result<HttpQuestion> About(const std::string& path) { return HttpQuestion{.path = path}; }

// The path of a model, and what of it. The router knows digits as versions, and no other.
Result<HttpQuestion> AboutModel(const std::string& name, const std::string& version, const std::string& what,
                                const std::string& member = {}) {
  if (name.empty()) return Status(Code::kInvalidInput, "the request names no model");
  if (!std::ranges::all_of(version, [](char c) { return c >= '0' && c <= '9'; }))
    return Status(Code::kInvalidInput, "version '" + version + "' of model '" + name + "' is no number");
  return HttpQuestion{.path = ModelPath(name, version) + what, .member = member};
}

// Files in a request (bytes) have no form in JSON: null stands for them, and is refused with their name.
Json ValueOf(const inference::ModelRepositoryParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case inference::ModelRepositoryParameter::kBoolParam: return parameter.bool_param();
    case inference::ModelRepositoryParameter::kInt64Param: return parameter.int64_param();
    case inference::ModelRepositoryParameter::kStringParam: return parameter.string_param();
    default: return nullptr;
  }
}

template <class Message>
Result<HttpQuestion> AboutControl(const Message& message, const std::string& what) {
  if (message.model_name().empty()) return Status(Code::kInvalidInput, "the request names no model");
  Json parameters = Json::object();
  for (const auto& [name, value] : message.parameters()) parameters[name] = ValueOf(value);
  const std::string path = "/v2/repository" + ModelPath(message.model_name(), "").substr(3) + what;
  return HttpQuestion{.method = "POST", .path = path, .body = Json{{"parameters", parameters}}.dump()};
}

}  // namespace

grpc::ServerUnaryReactor* InferenceService::ServerLive(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::ServerLiveRequest, inference::ServerLiveResponse>(
      *context, http_, *in, *out, [](const auto&) { return About("/v2/health/live"); });
}

grpc::ServerUnaryReactor* InferenceService::ServerReady(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::ServerReadyRequest, inference::ServerReadyResponse>(
      *context, http_, *in, *out, [](const auto&) { return About("/v2/health/ready"); });
}

grpc::ServerUnaryReactor* InferenceService::ModelReady(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::ModelReadyRequest, inference::ModelReadyResponse>(
      *context, http_, *in, *out,
      [](const auto& asked) { return AboutModel(asked.name(), asked.version(), "/ready"); });
}

grpc::ServerUnaryReactor* InferenceService::ServerMetadata(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::ServerMetadataRequest, inference::ServerMetadataResponse>(
      *context, http_, *in, *out, [](const auto&) { return About("/v2"); });
}

grpc::ServerUnaryReactor* InferenceService::ModelMetadata(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
      *context, http_, *in, *out,
      [](const auto& asked) { return AboutModel(asked.name(), asked.version(), ""); });
}

grpc::ServerUnaryReactor* InferenceService::ModelConfig(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::ModelConfigRequest, inference::ModelConfigResponse>(
      *context, http_, *in, *out,
      [](const auto& asked) { return AboutModel(asked.name(), asked.version(), "/config", "config"); });
}

grpc::ServerUnaryReactor* InferenceService::ModelStatistics(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::ModelStatisticsRequest, inference::ModelStatisticsResponse>(
      *context, http_, *in, *out, [](const auto& asked) {
        return asked.name().empty() ? About("/v2/models/stats")
                                    : AboutModel(asked.name(), asked.version(), "/stats");
      });
}

grpc::ServerUnaryReactor* InferenceService::RepositoryIndex(Context* context, const Bytes* in, Bytes* out) {
  return AnswerByHttp<inference::RepositoryIndexRequest, inference::RepositoryIndexResponse>(
      *context, http_, *in, *out, [](const auto& asked) -> Result<HttpQuestion> {
        return HttpQuestion{.method = "POST",
                            .path = "/v2/repository/index",
                            .body = asked.ready() ? R"({"ready":true})" : "",
                            .member = "models"};
      });
}

grpc::ServerUnaryReactor* InferenceService::RepositoryModelLoad(Context* context, const Bytes* in,
                                                                Bytes* out) {
  return AnswerByHttp<inference::RepositoryModelLoadRequest, inference::RepositoryModelLoadResponse>(
      *context, http_, *in, *out, [](const auto& asked) { return AboutControl(asked, "/load"); });
}

grpc::ServerUnaryReactor* InferenceService::RepositoryModelUnload(Context* context, const Bytes* in,
                                                                  Bytes* out) {
  return AnswerByHttp<inference::RepositoryModelUnloadRequest, inference::RepositoryModelUnloadResponse>(
      *context, http_, *in, *out, [](const auto& asked) { return AboutControl(asked, "/unload"); });
}

grpc::ServerUnaryReactor* InferenceService::ModelInfer(Context* context, const Bytes* in, Bytes* out) {
  return AnswerInfer(*context, infer_, *in, *out);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* InferenceService::ModelStreamInfer(
    Context* context) {
  return streams_.Open(*context, infer_);
}

}  // namespace slipway::server
