// Byte-level byte pair encoding (Sennrich et al. 2016; GPT-2, RoBERTa, CLIP): a word's bytes, joined pair by
// pair in the order in which training found the pairs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "slipway/status.h"

namespace slipway {

// GPT-2's stand-in for a byte in its vocabulary: itself where it is a visible character of Latin-1, else one
// of U+0100 and on.
char32_t CharOfByte(uint8_t byte);

// Cuts text where GPT-2 does, with
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// but, as onnxruntime-extensions, with \p{Z} for \s: tabs and line ends count as marks. text: valid UTF-8.
std::vector<std::string_view> BytePairWords(std::string_view text);

// Immutable once made.
class BytePairModel {
 public:
  // vocabulary: a JSON object of tokens and their ids (vocab.json). merges: lines "left right", best first;
  // a first line with # is a remark (merges.txt).
  static Result<std::shared_ptr<const BytePairModel>> Parse(std::span<const uint8_t> vocabulary,
                                                            std::span<const uint8_t> merges);
  // Parse, or the same model parsed before.
  static Result<std::shared_ptr<const BytePairModel>> Get(std::span<const uint8_t> vocabulary,
                                                          std::span<const uint8_t> merges);

  // -1: there is none.
  int64_t Find(const std::string& token) const;
  int64_t size() const { return static_cast<int64_t>(ids_.size()); }

  // Ids of a word's tokens; -1 for bytes that the vocabulary lacks. word_end: put behind the last byte
  // ("</w>"), or empty.
  std::vector<int64_t> Encode(std::string_view word, const std::string& word_end) const;

 private:
  BytePairModel() = default;

  struct Merge {
    int64_t rank = 0;
    int64_t id = 0;
  };
  struct Pair {
    int64_t left, right;
    bool operator==(const Pair&) const = default;
  };
  struct HashPair {
    size_t operator()(const Pair& pair) const {
      return static_cast<size_t>(static_cast<uint64_t>(pair.left) * 0x9E3779B97F4A7C15 ^
                                 static_cast<uint64_t>(pair.right));
    }
  };

  Status ReadVocabulary(std::string_view json);
  Status ReadMerges(std::string_view lines);

  std::unordered_map<std::string, int64_t> ids_;
  std::unordered_map<Pair, Merge, HashPair> merges_;
};

}  // namespace slipway
