// A second reader of HTTP/1.1, for connection_fuzz.cc alone: line by line and with all the bytes at hand, as
// RFC 9112 describes it, where the server's parser works byte by byte on what has come. It stops where a
// message is not framed beyond doubt, which is where a server has to refuse.
//
// Left out on purpose: everything but where requests begin and end.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/header_value.h"

namespace slipway::server {

struct PlainRequest {
  std::string method, target;
  std::multiset<std::string> headers = {};  // "name:value"; in any order, as Beast keeps equal names together
  std::string body = {};
  bool operator==(const PlainRequest&) const = default;
};

class PlainReader {
 public:
  explicit PlainReader(std::string_view text) : text_(text) {}

  // Up to the first that is not whole or not well framed.
  std::vector<PlainRequest> ReadAll() {
    std::vector<PlainRequest> requests;
    while (auto request = ReadRequest()) requests.push_back(std::move(*request));
    return requests;
  }

 private:
  std::optional<PlainRequest> ReadRequest() {
    PlainRequest request;
    length_.reset();
    is_chunked_ = false;
    const auto line = Line();
    if (!line || !ReadRequestLine(*line, request) || !ReadHeaders(request)) return std::nullopt;
    if (is_chunked_ && (is_old_ || length_)) return std::nullopt;
    const bool has_body =
        is_chunked_ ? ReadChunks(request.body) : ReadBytes(length_.value_or(0), request.body);
    if (!has_body) return std::nullopt;
    return request;
  }

  // Without its end; none: it has none. A lone CR or LF is not for a line.
  std::optional<std::string_view> Line() {
    const size_t end = text_.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text_.substr(0, end);
    if (line.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
    text_.remove_prefix(end + 2);
    return line;
  }

  bool ReadRequestLine(std::string_view line, PlainRequest& request) {
    const size_t first = line.find(' '), last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return false;
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, last - first - 1);
    // A query that is empty is none to the server.
    if (request.target.ends_with('?') && request.target.find('?') + 1 == request.target.size())
      request.target.pop_back();
    const std::string_view version = line.substr(last + 1);
    is_old_ = version == "HTTP/1.0";
    return IsToken(request.method) && !request.target.empty() &&
           request.target.find(' ') == std::string::npos && (is_old_ || version == "HTTP/1.1");
  }

  bool ReadHeaders(PlainRequest& request) {
    for (;;) {
      const auto line = Line();
      if (!line) return false;
      if (line->empty()) return true;
      const size_t colon = line->find(':');
      if (colon == std::string_view::npos) return false;
      const std::string_view name = line->substr(0, colon);
      std::string value(Trimmed(line->substr(colon + 1)));
      if (!IsToken(name) || !ReadFolded(value) || !TakeHeader(name, value)) return false;
      request.headers.insert(std::string(name) + ":" + value);
    }
  }

  // Lines that begin with a blank go on with the value; a server may read them so (RFC 9112, section 5.2).
  bool ReadFolded(std::string& value) {
    while (text_.starts_with(' ') || text_.starts_with('\t')) {
      const auto line = Line();
      if (!line) return false;
      const std::string_view more = Trimmed(*line);
      if (!value.empty() && !more.empty()) value += ' ';
      value += more;
    }
    return true;
  }

  bool TakeHeader(std::string_view name, std::string_view value) {
    if (IsSameIgnoringCase(name, "transfer-encoding"))
      return !std::exchange(is_chunked_, true) && IsSameIgnoringCase(value, "chunked");
    if (!IsSameIgnoringCase(name, "content-length")) return true;
    if (length_) return false;
    length_ = Number(value, 10);
    return length_.has_value();
  }

  bool ReadChunks(std::string& body) {
    for (;;) {
      const auto line = Line();
      if (!line) return false;
      const auto size = Number(Trimmed(line->substr(0, line->find(';'))), 16);
      if (!size || HasOpenQuote(*line)) return false;
      if (*size == 0) return SkipTrailers();
      if (!ReadBytes(*size, body) || !text_.starts_with("\r\n")) return false;
      text_.remove_prefix(2);
    }
  }

  static bool HasOpenQuote(std::string_view line) {
    bool is_open = false;
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"') is_open = !is_open;
      if (line[i] == '\\' && is_open) ++i;
    }
    return is_open;
  }

  // Their lines go on as a header's do.
  bool SkipTrailers() {
    for (bool has_one = false;; has_one = true) {
      const auto line = Line();
      if (!line) return false;
      if (line->empty()) return true;
      const bool goes_on = has_one && (line->starts_with(' ') || line->starts_with('\t'));
      if (!goes_on && line->find(':') == std::string_view::npos) return false;
    }
  }

  bool ReadBytes(uint64_t size, std::string& bytes) {
    if (size > text_.size()) return false;
    bytes += text_.substr(0, size);
    text_.remove_prefix(size);
    return true;
  }

  // Digits, and nothing else.
  static std::optional<uint64_t> Number(std::string_view text, int base) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
  }

  static bool IsToken(std::string_view text) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             kOthers.find(c) != std::string_view::npos;
    });
  }

  std::string_view text_;
  std::optional<uint64_t> length_;
  bool is_chunked_ = false, is_old_ = false;
};

}  // namespace slipway::server
