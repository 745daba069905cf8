#include "ops/text/word_pieces.h"

#include <algorithm>

#include "ops/text/parsed_cache.h"
#include "ops/text/utf8.h"

namespace slipway {

Vocabulary::Vocabulary(std::span<const uint8_t> lines) : text_(lines.begin(), lines.end()) {
  const std::string_view text(text_);
  for (size_t at = text.find_first_not_of("\r\n"); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    const std::string_view token = text.substr(at, end - at);
    places_[token] = static_cast<int64_t>(tokens_.size());
    tokens_.push_back(token);
    longest_bytes_ = std::max(longest_bytes_, token.size());
    at = text.find_first_not_of("\r\n", end);
  }
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::Parse(std::span<const uint8_t> lines) {
  std::shared_ptr<const Vocabulary> vocabulary(new Vocabulary(lines));
  if (vocabulary->tokens().empty())
    return Status(Code::kInvalidModel, "the vocabulary is empty", "it lists one token a line");
  return vocabulary;
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::Get(std::span<const uint8_t> lines) {
  static ParsedCache<Vocabulary> cache(Parse);
  return cache.Get(lines);
}

std::optional<int64_t> Vocabulary::Find(std::string_view token) const {
  const auto found = places_.find(token);
  if (found == places_.end()) return std::nullopt;
  return found->second;
}

namespace {

// The longest token that `rest` begins with, `prefix` put before it.
std::optional<WordPiece> LongestPiece(std::string_view prefix, std::string_view rest,
                                      const Vocabulary& vocabulary) {
  if (vocabulary.longest_bytes() < prefix.size()) return std::nullopt;
  size_t end = std::min(rest.size(), vocabulary.longest_bytes() - prefix.size());
  std::string token(prefix);
  token += rest.substr(0, end);
  for (; end > 0; --end) {
    const bool is_between_chars = end == rest.size() || (rest[end] & 0xC0) != 0x80;
    token.resize(prefix.size() + end);
    if (!is_between_chars) continue;
    if (const auto id = vocabulary.Find(token)) return WordPiece{*id, 0, end};
  }
  return std::nullopt;
}

}  // namespace

std::vector<WordPiece> PiecesOf(std::string_view word, const Vocabulary& vocabulary,
                                const WordPieceRules& rules) {
  const auto num_chars =
      std::count_if(word.begin(), word.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
  if (static_cast<size_t>(num_chars) > rules.max_chars) return {{-1, 0, word.size()}};
  std::vector<WordPiece> pieces;
  for (size_t at = 0; at < word.size();) {
    auto piece = LongestPiece(at == 0 ? "" : rules.suffix_indicator, word.substr(at), vocabulary);
    if (!piece) {
      pieces.push_back({-1, at, word.size()});
      break;
    }
    pieces.push_back({piece->id, at, at + piece->end});
    at += piece->end;
  }
  return pieces;
}

}  // namespace slipway
