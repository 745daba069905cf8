// What values of header fields are made of: lists, parameters, quoted strings and weights (RFC 9110, sections
// 5.6 and 12.4.2), and how text of a client is shown in a message.
//
// Left out on purpose: comments in parentheses, which no field that is read here has.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipway/status.h"

namespace slipway::server {

// Of ASCII letters.
bool IsSameIgnoringCase(std::string_view a, std::string_view b);
bool IsUtf8(std::string_view text);
// Without the spaces and tabs around it.
std::string_view Trimmed(std::string_view text);
// Cuts at every `separator` that is not in a quoted string. Pieces are trimmed, empty ones are left out.
std::vector<std::string_view> SplitUnquoted(std::string_view text, char separator);

// For messages: 'text', at most 60 bytes of it, all but printable ASCII as %XX. A message is safe wherever it
// goes (JSON, a log, a terminal), whatever the client sent.
std::string Shown(std::string_view text);

// `form-data; name="a"`: a value and its parameters.
struct ParameterizedValue {
  std::string_view value;
  std::vector<std::pair<std::string_view, std::string>> parameters;

  // Null where there is none. Names are compared without regard to case.
  const std::string* Find(std::string_view name) const;
};

// Quoted strings are unquoted: \" and \\ stand for " and \, any other backslash for itself, since browsers
// send those of a file's name as they are. An error: a parameter without "=", a quote without its end, text
// behind it, the same name twice, more than 16 parameters.
Result<ParameterizedValue> ParseParameterizedValue(std::string_view text);

// An element of Accept or Accept-Encoding: `image/png;q=0.5`.
struct Preference {
  std::string_view name;
  double weight = 1;  // 0..1; 0: not acceptable
};

// In the field's order. An element whose weight is none (q=2, q=high) is passed over, as are other
// parameters.
std::vector<Preference> ParsePreferences(std::string_view field);

}  // namespace slipway::server
