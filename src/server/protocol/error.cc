#include "server/protocol/error.h"

#include "server/protocol/json_writer.h"

namespace slipway::server {

int HttpStatusOf(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kUsage:
    case Code::kInvalidInput:
    case Code::kInvalidModel: return 400;
    case Code::kNotFound: return 404;
    case Code::kUnsupported: return 501;
    case Code::kInternal:
    case Code::kMismatch:
    case Code::kIo: return 500;
  }
  return 500;
}

std::string ErrorText(const Status& status) {
  return status.hint().empty() ? status.message() : status.message() + " (" + status.hint() + ")";
}

Response ErrorResponse(const Status& status) {
  return ErrorResponse(HttpStatusOf(status.code()), ErrorText(status));
}

Response ErrorResponse(int http_status, std::string_view message) {
  Response response{.status = http_status};
  JsonWriter json(response.body);
  json.BeginObject();
  json.Member("error", message);
  json.EndObject();
  return response;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kMaxShown = 80;
  if (text.size() <= kMaxShown) return "'" + std::string(text) + "'";
  return "'" + std::string(text.substr(0, kMaxShown)) + "...'";
}

}  // namespace slipway::server
