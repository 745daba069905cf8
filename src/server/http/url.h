// A request's path and query, decoded (RFC 3986; a query as HTML forms write it: "+" is a space).
//
// What comes out is UTF-8 without NUL; it may hold any other character, "/" and line ends included: a segment
// is a name to look up, never a file's path. Left out on purpose: whole URLs and repeated parameters.
// Errors are kUsage.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipway/status.h"

namespace slipway::server {

// "%2F" -> "/". An error: a "%" without two hex digits, NUL, bytes that are not UTF-8.
Result<std::string> PercentDecode(std::string_view text);

// "/v2/models/a%2Fb/infer" -> {"v2", "models", "a/b", "infer"}; "/" -> {}. One slash at the end is left out.
// An error: no slash at the start, an empty segment, "." and "..", encoded or not.
Result<std::vector<std::string>> SplitPath(std::string_view path);

class Query {
 public:
  // "top_k=5&label=a+b". At most 64 parameters, each of a name and no name twice; "a" alone is "a=".
  static Result<Query> Parse(std::string_view query);

  // A decoded one more; an error: it is there already, or there are 64.
  Status Add(std::string name, std::string value);

  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }

  // Nothing where the parameter is not given; an error names it, its value and what it may be.
  std::optional<std::string_view> Text(std::string_view name) const;
  // low <= value <= high
  Result<std::optional<double>> Number(std::string_view name, double low, double high) const;
  Result<std::optional<int64_t>> Integer(std::string_view name, int64_t low, int64_t high) const;
  Result<std::optional<std::string_view>> Choice(std::string_view name,
                                                 std::span<const std::string_view> choices) const;

  // Names that are not among `known`.
  std::vector<std::string_view> Unknown(std::span<const std::string_view> known) const;
  // An error that names the unknown, and the known in its hint.
  Status CheckNames(std::span<const std::string_view> known) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;  // in the order of the query
};

}  // namespace slipway::server
