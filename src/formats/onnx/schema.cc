#include "formats/onnx/schema.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/nearest.h"

namespace slipway::onnx {
namespace {

struct Row {
  std::string_view domain;
  std::string_view op;
  int64_t since;
  std::string_view attributes;  // " a b c "
};

constexpr Row kRows[] = {
#define SLIPWAY_ONNX_ATTRIBUTES(domain, op, since, attributes) {domain, #op, since, " " attributes " "},
#include "formats/onnx/attributes.inc"
#undef SLIPWAY_ONNX_ATTRIBUTES
};

// Of no meaning to inference, wherever they stand.
constexpr std::array<std::string_view, 5> kOfTraining = {"consumed_inputs", "is_test", "momentum", "ratio",
                                                         "seed"};

bool Has(const Row& row, std::string_view attribute) {
  return row.attributes.find(" " + std::string(attribute) + " ") != std::string_view::npos;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    if (space != 0) words.push_back(text.substr(0, space));
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return words;
}

// "1 to 12", "11 and later"
std::string OpsetsThatHave(const std::vector<const Row*>& rows, std::string_view attribute) {
  std::string text;
  for (size_t i = 0; i < rows.size();) {
    size_t end = i;
    while (end < rows.size() && Has(*rows[end], attribute)) ++end;
    if (end == i) {
      ++i;
      continue;
    }
    const int64_t first = rows[i]->since;
    if (!text.empty()) text += ", ";
    if (end == rows.size()) {
      text += std::to_string(first) + " and later";
    } else {
      const int64_t last = rows[end]->since - 1;
      text += std::to_string(first) + (last == first ? "" : " to " + std::to_string(last));
    }
    i = end;
  }
  return text;
}

}  // namespace

AttributeCheck CheckAttribute(std::string_view domain, std::string_view op, int64_t opset,
                              std::string_view attribute) {
  std::vector<const Row*> rows;  // of the operator, oldest first
  const Row* row = nullptr;      // that counts at this opset
  for (const Row& each : kRows) {
    if (each.domain != domain || each.op != op) continue;
    rows.push_back(&each);
    if (each.since <= opset) row = &each;
  }
  if (row == nullptr || Has(*row, attribute)) return {};
  if (std::find(kOfTraining.begin(), kOfTraining.end(), attribute) != kOfTraining.end())
    return {AttributeFit::kIgnored, {}};
  if (const std::string opsets = OpsetsThatHave(rows, attribute); !opsets.empty())
    return {AttributeFit::kMisfit,
            "opset " + std::to_string(opset) + " does not have it (opset " + opsets + " does)"};
  constexpr size_t kMinSlip = 4;  // shorter words are all near each other
  const std::vector<std::string_view> known = Words(row->attributes);
  if (const std::string_view nearest = Nearest(attribute, known);
      !nearest.empty() && attribute.size() >= kMinSlip)
    return {AttributeFit::kMisfit,
            "ONNX has no such attribute (did you mean '" + std::string(nearest) + "'?)"};
  return {AttributeFit::kIgnored, {}};
}

}  // namespace slipway::onnx
