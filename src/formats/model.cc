#include "formats/model.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/nearest.h"

namespace slipway {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

Status CutError(std::string_view text, const std::string& message) {
  return Status(Code::kUsage, "input '" + std::string(text) + "': " + message,
                "write NAME or NAME[1,3,224,224]; ? or a word stands for an extent that is not fixed");
}

bool IsWord(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c == '/'; });
}

std::optional<Dim> ParseExtent(std::string_view text) {
  if (text == "?" || text == "-1") return Dim();
  if (IsWord(text)) return Dim::Symbol(std::string(text));
  int64_t extent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
  if (error != std::errc() || end != text.data() + text.size() || extent < 0) return std::nullopt;
  return Dim(extent);
}

}  // namespace

Result<InputCut> ParseInputCut(std::string_view text) {
  InputCut cut;
  std::string_view trimmed = Trim(text);
  if (const size_t colon = trimmed.rfind("]:"); colon != std::string_view::npos) {
    cut.dtype = ParseDType(trimmed.substr(colon + 2));
    if (cut.dtype) trimmed = trimmed.substr(0, colon + 1);
  }
  const size_t open = trimmed.empty() || trimmed.back() != ']' ? std::string_view::npos : trimmed.rfind('[');
  cut.name = std::string(Trim(trimmed.substr(0, open)));
  if (cut.name.empty()) return CutError(text, "the name is missing");
  if (open == std::string_view::npos) return cut;
  std::string_view extents = trimmed.substr(open + 1, trimmed.size() - open - 2);
  cut.shape.emplace();
  if (Trim(extents).empty()) return cut;
  while (true) {
    const size_t comma = extents.find(',');
    const std::string_view one = Trim(extents.substr(0, comma));
    const std::optional<Dim> dim = ParseExtent(one);
    if (!dim) return CutError(text, "'" + std::string(one) + "' is not an extent");
    cut.shape->push_back(*dim);
    if (comma == std::string_view::npos) return cut;
    extents.remove_prefix(comma + 1);
  }
}

DimList SubstituteDims(DimList dims, const std::map<std::string, int64_t>& extents) {
  for (Dim& dim : dims) {
    if (!dim.IsNamed()) continue;
    if (const auto found = extents.find(dim.symbol()); found != extents.end()) dim = Dim(found->second);
  }
  return dims;
}

Status CheckDimNames(const ImportOptions& options, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  for (const auto& [name, extent] : options.dims) {
    if (extent < 0)
      return Status(Code::kUsage, "dimension '" + name + "' cannot be " + std::to_string(extent));
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string listed;
    for (const std::string& each : known) listed += (listed.empty() ? "" : ", ") + each;
    return Status(Code::kUsage, "no input has a dimension called '" + name + "'" + DidYouMean(name, names),
                  listed.empty() ? "all input dimensions of this model are fixed" : "it has: " + listed);
  }
  return Status::Ok();
}

}  // namespace slipway
