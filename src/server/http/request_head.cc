#include "server/http/request_head.h"

namespace slipway::server {
namespace {

namespace beast = boost::beast;
using beast::http::field;

}  // namespace

std::optional<HeadFault> FaultOf(const RequestParser& parser) {
  const auto& message = parser.get();
  const bool is_old = message.version() < 11;
  const size_t hosts = message.count(field::host);
  if (hosts > 1 || (hosts == 0 && !is_old))
    return HeadFault{400, "one Host header is needed; there are " + std::to_string(hosts)};
  const size_t lengths = message.count(field::content_length);
  // Beast takes "3, 3" for 3.
  if (lengths > 1 || message[field::content_length].find(',') != beast::string_view::npos)
    return HeadFault{400, "one Content-Length is enough; there are several"};
  const size_t encodings = message.count(field::transfer_encoding);
  if (encodings == 0) return std::nullopt;
  if (is_old || lengths > 0)
    return HeadFault{400, is_old ? "HTTP/1.0 has no Transfer-Encoding"
                                 : "Content-Length and Transfer-Encoding exclude each other"};
  const std::string_view encoding(message[field::transfer_encoding]);
  if (encodings > 1 || !beast::iequals(encoding, "chunked"))
    return HeadFault{501,
                     "Transfer-Encoding '" + std::string(encoding) + "' is not understood; 'chunked' is"};
  return std::nullopt;
}

Request RequestFrom(const RequestParser& parser) {
  const auto& message = parser.get();
  Request request;
  request.arrived = std::chrono::steady_clock::now();
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const size_t mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark != std::string_view::npos) request.query = std::string(target.substr(mark + 1));
  for (const auto& each : message)
    request.headers.Add(std::string(each.name_string()), std::string(each.value()));
  return request;
}

}  // namespace slipway::server
