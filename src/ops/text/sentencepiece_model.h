// SentencePiece models (Kudo and Richardson 2018): text to pieces and back, by Google's library.
//
// Model files are hostile. The library trusts the table of character rules in them, which it walks without
// looking at bounds: that table is checked here before it is given to it. Exceptions end here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway {

struct SentencePiece {
  int32_t id = 0;
  int32_t begin = 0;  // byte of the text as it was given
};

// Immutable once made; thread-safe.
class SentencePieceModel {
 public:
  // bytes: a serialised sentencepiece.ModelProto.
  static Result<std::shared_ptr<const SentencePieceModel>> Parse(std::span<const uint8_t> bytes);
  // Parse, or the same model parsed before.
  static Result<std::shared_ptr<const SentencePieceModel>> Get(std::span<const uint8_t> bytes);

  // The likeliest pieces of the text.
  Result<std::vector<SentencePiece>> Encode(std::string_view text) const;
  // ids outside of the vocabulary are an error.
  Result<std::string> Decode(const std::vector<int>& ids) const;

  int bos_id() const;  // -1: the model has none
  int eos_id() const;
  int size() const;

  ~SentencePieceModel();
  SentencePieceModel(const SentencePieceModel&) = delete;
  SentencePieceModel& operator=(const SentencePieceModel&) = delete;

 private:
  SentencePieceModel();

  struct Processor;
  std::unique_ptr<Processor> processor_;
};

}  // namespace slipway
