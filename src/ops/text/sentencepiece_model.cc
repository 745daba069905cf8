#include "ops/text/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <exception>

#include "ops/text/parsed_cache.h"
#include "ops/text/sentencepiece_charsmap.h"

namespace slipway {

struct SentencePieceModel::Processor {
  sentencepiece::SentencePieceProcessor library;
};

namespace {

Status Refused(std::string_view why) {
  return Status(Code::kInvalidModel, "the SentencePiece library refuses the model: " + std::string(why),
                "export the tokenizer again");
}

}  // namespace

SentencePieceModel::SentencePieceModel() : processor_(std::make_unique<Processor>()) {}
SentencePieceModel::~SentencePieceModel() = default;

Result<std::shared_ptr<const SentencePieceModel>> SentencePieceModel::Parse(std::span<const uint8_t> bytes) {
  const std::string_view serialized(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  SLIPWAY_ASSIGN_OR_RETURN(const std::string_view table, CharsMapOf(serialized));
  SLIPWAY_RETURN_IF_ERROR(CheckCharsMap(table));
  try {
    std::shared_ptr<SentencePieceModel> model(new SentencePieceModel());
    const auto status = model->processor_->library.LoadFromSerializedProto(serialized);
    if (!status.ok()) return Refused(status.message());
    return std::shared_ptr<const SentencePieceModel>(std::move(model));
  } catch (const std::exception& error) {
    return Refused(error.what());
  }
}

Result<std::shared_ptr<const SentencePieceModel>> SentencePieceModel::Get(std::span<const uint8_t> bytes) {
  static ParsedCache<SentencePieceModel> cache(Parse);
  return cache.Get(bytes);
}

Result<std::vector<SentencePiece>> SentencePieceModel::Encode(std::string_view text) const {
  std::vector<SentencePiece> pieces;
  try {
    const auto encoded = processor_->library.EncodeAsImmutableProto(text);
    pieces.reserve(encoded.pieces_size());
    for (const auto& piece : encoded.pieces())
      pieces.push_back({static_cast<int32_t>(piece.id()), static_cast<int32_t>(piece.begin())});
  } catch (const std::exception& error) {
    return Refused(error.what());
  }
  return pieces;
}

Result<std::string> SentencePieceModel::Decode(const std::vector<int>& ids) const {
  for (const int id : ids) {
    if (id < 0 || id >= size())
      return Status(Code::kInvalidInput, "token " + std::to_string(id) + " is outside of the " +
                                             std::to_string(size()) + " known");
  }
  try {
    std::string text;
    const auto status = processor_->library.Decode(ids, &text);
    if (!status.ok()) return Refused(status.message());
    return text;
  } catch (const std::exception& error) {
    return Refused(error.what());
  }
}

int SentencePieceModel::bos_id() const { return processor_->library.bos_id(); }
int SentencePieceModel::eos_id() const { return processor_->library.eos_id(); }
int SentencePieceModel::size() const { return processor_->library.GetPieceSize(); }

}  // namespace slipway
