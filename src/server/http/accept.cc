#include "server/http/accept.h"

#include "server/http/header_value.h"

namespace slipway::server {
namespace {

// How closely a range of types meets a type. kNone comes first, the closer the later.
enum class Fit { kNone, kAnything, kGroup, kExact };

Fit FitOf(std::string_view range, std::string_view type) {
  if (IsSameIgnoringCase(range, type)) return Fit::kExact;
  if (range == "*/*" || range == "*") return Fit::kAnything;  // "*" alone: old Java clients
  if (!range.ends_with("/*")) return Fit::kNone;
  const std::string_view group = range.substr(0, range.size() - 1);  // with its slash
  return IsSameIgnoringCase(type.substr(0, group.size()), group) ? Fit::kGroup : Fit::kNone;
}

// The closest range decides: `image/*, image/png;q=0` takes every image but PNG.
double WeightOf(std::string_view type, std::span<const Preference> preferences) {
  Fit closest = Fit::kNone;
  double weight = 0;
  for (const Preference& preference : preferences) {
    const Fit fit = FitOf(preference.name, type);
    if (fit <= closest) continue;
    closest = fit;
    weight = preference.weight;
  }
  return weight;
}

}  // namespace

std::string_view Negotiate(std::string_view accept, std::span<const std::string_view> offers) {
  if (offers.empty()) return {};
  const std::vector<Preference> preferences = ParsePreferences(accept);
  if (preferences.empty()) return offers[0];
  std::string_view best;
  double best_weight = 0;
  for (const std::string_view offer : offers) {
    const double weight = WeightOf(offer, preferences);
    if (weight <= best_weight) continue;
    best = offer;
    best_weight = weight;
  }
  return best;
}

}  // namespace slipway::server
