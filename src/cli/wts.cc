#include "cli/wts.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/console.h"
#include "formats/registry/import_model.h"
#include "slipway/wts.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Range {
  int64_t count = 0;
  int64_t not_finite = 0;  // left out of what follows
  float least = 0, greatest = 0;
  double mean = 0;
};

Range RangeOf(const Tensor& tensor) {
  Range range;
  range.count = tensor.count();
  int64_t finite = 0;
  double sum = 0;
  for (const float value : tensor.values<float>()) {
    if (!std::isfinite(value)) {
      ++range.not_finite;
      continue;
    }
    range.least = finite == 0 ? value : std::min(range.least, value);
    range.greatest = finite == 0 ? value : std::max(range.greatest, value);
    sum += double{value};
    ++finite;
  }
  range.mean = finite == 0 ? 0 : sum / static_cast<double>(finite);
  return range;
}

void PrintJson(const WtsWeights& weights) {
  Json json = {{"format", "wts"}, {"arrays", Json::array()}};
  for (const auto& [name, tensor] : weights.all()) {
    const Range range = RangeOf(tensor);
    json["arrays"].push_back({{"name", name},
                              {"count", range.count},
                              {"min", range.least},
                              {"max", range.greatest},
                              {"mean", range.mean},
                              {"not_finite", range.not_finite}});
  }
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

bool IsWtsFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  const auto kind = KindOfFile(path);
  return kind.ok() && *kind == FileKind::kWts;
}

Status InspectWts(const std::string& path, bool is_json) {
  SLIPWAY_ASSIGN_OR_RETURN(const WtsWeights weights, ReadWts(path));
  if (is_json) {
    PrintJson(weights);
    return Status::Ok();
  }
  Table table({"array", ">count", ">min", ">mean", ">max", ">not finite"});
  int64_t count = 0;
  for (const auto& [name, tensor] : weights.all()) {
    const Range range = RangeOf(tensor);
    count += range.count;
    table.Row({name, std::to_string(range.count), fmt::format("{:.6g}", range.least),
               fmt::format("{:.6g}", range.mean), fmt::format("{:.6g}", range.greatest),
               range.not_finite == 0 ? "" : std::to_string(range.not_finite)});
  }
  fmt::print(
      "{}\n{} arrays, {} parameters: weights without a network; convert MODEL --wts gives them to one\n",
      table.ToString(), weights.all().size(), HumanCount(static_cast<double>(count)));
  return Status::Ok();
}

}  // namespace slipway::cli
