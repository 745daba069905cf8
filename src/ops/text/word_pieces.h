// WordPiece (Schuster and Nakajima 2012; BERT's vocab.txt): words are cut into the longest pieces that a
// vocabulary knows, from the left.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "slipway/status.h"

namespace slipway {

// Tokens by their place: one a line, empty lines not counted. Immutable once made.
class Vocabulary {
 public:
  static Result<std::shared_ptr<const Vocabulary>> Parse(std::span<const uint8_t> lines);
  // Parse, or the same vocabulary parsed before.
  static Result<std::shared_ptr<const Vocabulary>> Get(std::span<const uint8_t> lines);

  // The last place where the token stands.
  std::optional<int64_t> Find(std::string_view token) const;
  const std::vector<std::string_view>& tokens() const { return tokens_; }
  size_t longest_bytes() const { return longest_bytes_; }

  Vocabulary(const Vocabulary&) = delete;  // tokens look into text_
  Vocabulary& operator=(const Vocabulary&) = delete;

 private:
  explicit Vocabulary(std::span<const uint8_t> lines);

  std::string text_;
  std::vector<std::string_view> tokens_;
  std::unordered_map<std::string_view, int64_t> places_;
  size_t longest_bytes_ = 0;
};

struct WordPieceRules {
  std::string suffix_indicator = "##";  // before pieces that do not begin a word
  size_t max_chars = 100;               // longer words are unknown
};

// A piece of a word.
struct WordPiece {
  int64_t id = -1;   // -1: unknown
  size_t begin = 0;  // bytes of the word
  size_t end = 0;
};

// word: valid UTF-8. As onnxruntime-extensions has it, pieces found before an unknown rest are kept, where
// BERT's own makes the whole word unknown.
std::vector<WordPiece> PiecesOf(std::string_view word, const Vocabulary& vocabulary,
                                const WordPieceRules& rules);

}  // namespace slipway
