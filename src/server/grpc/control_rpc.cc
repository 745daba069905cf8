#include "server/grpc/control_rpc.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace slipway::server {
namespace {

std::string PercentEncoded(const std::string& text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

// The text of {"error": "..."}; nothing: it is an answer.
std::optional<std::string> ErrorIn(const Response& response) {
  if (response.status == 200) return std::nullopt;
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return "";
  const auto error = json.find("error");
  // A status that is no error says the same as its JSON: {"ready": false}.
  if (error == json.end()) return std::nullopt;
  return error->is_string() ? error->get<std::string>() : "";
}

grpc::Status WriteAnswer(const Response& response, const std::string& member,
                         google::protobuf::Message& answer, grpc::ByteBuffer& out) {
  if (const auto error = ErrorIn(response)) return GrpcStatusOf(response.status, *error);
  const std::string text = member.empty() ? response.body : "{\"" + member + "\":" + response.body + "}";
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &answer, options);
  if (!status.ok()) {
    return {grpc::StatusCode::INTERNAL,
            "the answer is no " + answer.GetDescriptor()->full_name() + ": " + std::string(status.message())};
  }
  auto bytes = WriteMessage(answer);
  if (!bytes.ok()) return GrpcStatusOf(bytes.status());
  out = *std::move(bytes);
  return grpc::Status::OK;
}

}  // namespace

std::string ModelPath(const std::string& name, const std::string& version) {
  const std::string path = "/v2/models/" + PercentEncoded(name);
  return version.empty() ? path : path + "/versions/" + PercentEncoded(version);
}

void AskHttp(const grpc::CallbackServerContext& context, Handler& handler, HttpQuestion question,
             std::shared_ptr<google::protobuf::Message> answer, grpc::ByteBuffer& out,
             grpc::ServerUnaryReactor& reactor) {
  Request request = CallerOf(context);
  request.method = std::move(question.method);
  request.path = std::move(question.path);
  request.body = Body::Of(question.body);
  request.has_left = std::make_shared<std::atomic<bool>>(false);
  handler.Handle(std::move(request), [member = std::move(question.member), answer = std::move(answer), &out,
                                      &reactor](const Response& response) {
    reactor.Finish(WriteAnswer(response, member, *answer, out));
  });
}

}  // namespace slipway::server
