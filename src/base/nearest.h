// The nearest of some known words to a mistyped one: for "did you mean ...".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace slipway {

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string
// alignment); letters differ by case at no cost. Only the first 64 characters of each count.
int EditDistance(std::string_view a, std::string_view b);

// The candidate with the least distance to `word`, the first of equals; empty when even that one is further
// than a third of the longer word (and than 1): no guess is better than a wild one.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

// " (did you mean 'x'?)", or empty when nothing is near.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace slipway
