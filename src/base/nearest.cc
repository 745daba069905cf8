#include "base/nearest.h"

#include <algorithm>
#include <array>

namespace slipway {
namespace {

constexpr size_t kMaxLength = 64;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

int EditDistance(std::string_view a, std::string_view b) {
  a = a.substr(0, kMaxLength);
  b = b.substr(0, kMaxLength);
  std::array<std::array<int, kMaxLength + 1>, 3> rows{};  // of the row two up, the row above, this row
  for (size_t j = 0; j <= b.size(); ++j) rows[1][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& [two_up, above, row] = rows;
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool is_same = Lower(a[i - 1]) == Lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (is_same ? 0 : 1)});
      const bool is_swap =
          i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) && Lower(a[i - 2]) == Lower(b[j - 1]);
      if (is_swap) row[j] = std::min(row[j], two_up[j - 2] + 1);
    }
    std::rotate(rows.begin(), rows.begin() + 1, rows.end());
  }
  return rows[1][b.size()];
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  int best_distance = 0;
  for (std::string_view candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    if (best.data() != nullptr && distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  const auto longer = static_cast<int>(std::max(word.size(), best.size()));
  return best_distance <= std::max(1, longer / 3) ? best : std::string_view();
}

std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view nearest = Nearest(word, candidates);
  return nearest.empty() ? std::string() : " (did you mean '" + std::string(nearest) + "'?)";
}

}  // namespace slipway
