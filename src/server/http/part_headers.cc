#include "server/http/part_headers.h"

#include <algorithm>
#include <array>
#include <span>

#include "server/http/url.h"

namespace slipway::server {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

Status Bad(std::string message, std::string hint = {}) {
  return Status(Code::kInvalidInput, std::move(message), std::move(hint));
}

bool IsControl(char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; }

// UTF-8''na%C3%AFve.jpg (RFC 8187, the successor of RFC 5987)
Result<std::string> DecodeExtended(std::string_view text) {
  const size_t charset_end = text.find('\'');
  const size_t language_end =
      charset_end == std::string_view::npos ? charset_end : text.find('\'', charset_end + 1);
  if (language_end == std::string_view::npos)
    return Bad("filename* " + Shown(text) + " is not charset'language'text");
  if (!IsSameIgnoringCase(text.substr(0, charset_end), "utf-8")) {
    return Status(Code::kUnsupported,
                  "filename* has charset " + Shown(text.substr(0, charset_end)) + ", UTF-8 is read");
  }
  Result<std::string> decoded = PercentDecode(text.substr(language_end + 1));
  if (!decoded.ok()) return Bad("filename*: " + decoded.status().message(), decoded.status().hint());
  return decoded;
}

Status SetDisposition(std::string_view text, Part& part) {
  if (!part.name.empty()) return Bad("a part has two Content-Disposition headers");
  SLIPWAY_ASSIGN_OR_RETURN(const ParameterizedValue disposition, ParseParameterizedValue(text));
  if (!IsSameIgnoringCase(disposition.value, "form-data"))
    return Bad("a part's Content-Disposition is " + Shown(disposition.value) + ", not 'form-data'");
  const std::string* name = disposition.Find("name");
  if (!name || name->empty())
    return Bad("a part's Content-Disposition has no name", "write form-data; name=\"...\"");
  part.name = *name;
  if (const std::string* filename = disposition.Find("filename")) part.filename = *filename;
  if (const std::string* extended = disposition.Find("filename*")) {
    SLIPWAY_ASSIGN_OR_RETURN(part.filename, DecodeExtended(*extended));
  }
  return Status::Ok();
}

Status CheckTransferEncoding(std::string_view text) {
  constexpr std::array<std::string_view, 3> kPlain = {"binary", "8bit", "7bit"};
  if (std::ranges::any_of(kPlain, [&](std::string_view plain) { return IsSameIgnoringCase(plain, text); }))
    return Status::Ok();
  return Status(Code::kUnsupported,
                "a part has Content-Transfer-Encoding " + Shown(text) + ", binary is read",
                "send the part's bytes as they are");
}

Status SetHeader(std::string_view line, Part& part) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line[0] == ' ' || line[0] == '\t')
    return Bad("a part's header line " + Shown(line) + " is not 'Name: value'");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trimmed(line.substr(colon + 1));
  if (IsSameIgnoringCase(name, "content-disposition")) return SetDisposition(value, part);
  if (IsSameIgnoringCase(name, "content-transfer-encoding")) return CheckTransferEncoding(value);
  if (IsSameIgnoringCase(name, "content-type")) part.content_type = value;
  return Status::Ok();
}

}  // namespace

Result<Part> ParsePartHeaders(std::string_view headers) {
  if (!IsUtf8(headers)) return Bad("a part's headers are not UTF-8", "write names in UTF-8");
  Part part;
  while (!headers.empty()) {
    const size_t end = std::min(headers.find(kLineEnd), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + kLineEnd.size(), headers.size()));
    if (line.empty()) break;
    if (std::ranges::any_of(line, IsControl))
      return Bad("a control character in a part's header " + Shown(line));
    SLIPWAY_RETURN_IF_ERROR(SetHeader(line, part));
  }
  if (part.name.empty()) return Bad("a part has no Content-Disposition", "write form-data; name=\"...\"");
  return part;
}

}  // namespace slipway::server
