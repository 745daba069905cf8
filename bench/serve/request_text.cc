// The one request of a load, put into bytes once.
#include <algorithm>
#include <cctype>

#include "serve/load.h"

namespace slipway::serve {
namespace {

// What HTTP calls a token: methods and names of headers.
bool IsToken(const std::string& text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return c < 128 && (std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos);
  });
}

bool HasControl(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' && c != '\t'; });
}

Status CheckHeader(const std::string& name, const std::string& value) {
  if (!IsToken(name))
    return Status(Code::kUsage, "header '" + name + "': no name of a header", "write 'NAME: VALUE'");
  if (HasControl(value))
    return Status(Code::kUsage, "header '" + name + "': its value holds a control character");
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "content-length" || lower == "transfer-encoding") {
    return Status(Code::kUsage, "header '" + name + "': the length follows from the body", "leave it out");
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> RequestText(const LoadOptions& options) {
  if (!IsToken(options.method)) {
    return Status(Code::kUsage, "method '" + options.method + "': no name of a method", "GET or POST, say");
  }
  std::string text =
      options.method + " " + options.url.target + " HTTP/1.1\r\nHost: " + options.url.authority + "\r\n";
  for (const auto& [name, value] : options.headers) {
    SLIPWAY_RETURN_IF_ERROR(CheckHeader(name, value));
    text += name + ": " + value + "\r\n";
  }
  if (!options.body.empty() || options.method == "POST" || options.method == "PUT") {
    text += "Content-Length: " + std::to_string(options.body.size()) + "\r\n";
  }
  return text + "\r\n" + options.body;
}

}  // namespace slipway::serve
