#include "formats/keras/weights.h"

#include <algorithm>
#include <optional>

namespace slipway::keras {
namespace {

std::vector<std::string> Split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool IsNumber(const std::string& text) {
  return !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
}

// `pattern`: alternatives split by '|'.
bool FitsToken(const std::string& token, const std::string& pattern) {
  for (const std::string& each : Split(pattern, '|')) {
    const bool is_prefix = !each.empty() && each.back() == '*';
    if (is_prefix ? token.starts_with(std::string_view(each).substr(0, each.size() - 1)) : token == each)
      return true;
  }
  return false;
}

// How well tokens name a layer: more of the models around it, then fewer others between.
struct Fit {
  size_t outer = 0;
  size_t others = 0;

  bool IsBetterThan(const Fit& other) const {
    return outer != other.outer ? outer > other.outer : others < other.others;
  }
  bool operator==(const Fit&) const = default;
};

std::optional<Fit> FitAt(const std::vector<std::string>& tokens, size_t at,
                         const std::vector<std::string>& outer, const std::vector<std::string>& inner) {
  Fit fit;
  size_t next = 0;
  for (size_t i = at + 1; i < tokens.size() && next < inner.size(); ++i) {
    if (FitsToken(tokens[i], inner[next])) ++next;
  }
  if (next < inner.size()) return std::nullopt;
  size_t from = 0;
  for (const std::string& model : outer) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(at);
    const auto found = std::find(begin, end, model);
    if (found == end) continue;
    ++fit.outer;
    from = static_cast<size_t>(found - tokens.begin()) + 1;
  }
  fit.others = tokens.size() - 1 - fit.outer - inner.size();
  return fit;
}

// The best place of the layer `name` among the tokens.
std::optional<Fit> FitOf(const std::vector<std::string>& tokens, const std::string& name,
                         const std::vector<std::string>& outer, const std::vector<std::string>& inner) {
  std::optional<Fit> best;
  for (size_t at = 0; at < tokens.size(); ++at) {
    if (tokens[at] != name) continue;
    const auto fit = FitAt(tokens, at, outer, inner);
    if (fit && (!best || fit->IsBetterThan(*best))) best = fit;
  }
  return best;
}

}  // namespace

WeightStore::WeightStore(const TfjsWeights& weights) {
  for (const auto& [name, tensor] : weights) {
    Entry entry{&name, {}, {}, false, false, &tensor};
    std::string path = name;
    if (path.ends_with(":0")) path.resize(path.size() - 2);
    entry.tokens = Split(path, '/');
    entry.leaf = entry.tokens.back();
    entry.tokens.pop_back();
    entry.is_numbered = IsNumber(entry.leaf);
    if (entry.is_numbered) {
      entry.has_keys = !entry.tokens.empty() && entry.tokens.back() == "vars";
      std::erase_if(entry.tokens, [](const std::string& token) {
        return token == "vars" || token == "layers" || token.ends_with("layer_checkpoint_dependencies");
      });
    }
    entries_.push_back(std::move(entry));
  }
}

Result<const Tensor*> WeightStore::Find(const LayerPath& path, const std::string& leaf,
                                        int64_t number) const {
  const Entry* best = nullptr;
  std::optional<Fit> best_fit;
  bool is_double = false;
  for (const Entry& entry : entries_) {
    if (entry.is_numbered ? entry.leaf != std::to_string(number) : !FitsToken(entry.leaf, leaf)) continue;
    const auto fit = entry.has_keys ? FitOf(entry.tokens, path.saved_key, path.outer_keys, path.inner)
                                    : FitOf(entry.tokens, path.name, path.outer, path.inner);
    if (!fit || (best && !fit->IsBetterThan(*best_fit) && *fit != *best_fit)) continue;
    is_double = best && *fit == *best_fit;
    best = &entry;
    best_fit = fit;
  }
  if (best == nullptr) return static_cast<const Tensor*>(nullptr);
  if (is_double)
    return Status(Code::kInvalidModel,
                  "several weights may be its '" + leaf + "', among them '" + *best->name + "'");
  return best->tensor;
}

std::string WeightStore::NamesFor(const LayerPath& path) const {
  std::string names;
  for (const Entry& entry : entries_) {
    const std::string& name = entry.has_keys ? path.saved_key : path.name;
    if (std::find(entry.tokens.begin(), entry.tokens.end(), name) == entry.tokens.end()) continue;
    if (names.size() > 300) return names + ", ...";
    names += (names.empty() ? "'" : ", '") + *entry.name + "'";
  }
  return names.empty() ? "none" : names;
}

}  // namespace slipway::keras
