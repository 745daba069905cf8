#include "ops/text/sentencepiece_charsmap.h"

#include <cstdint>
#include <cstring>
#include <exception>
#include <protozero/pbf_reader.hpp>
#include <string>

namespace slipway {
namespace {

Status Broken(std::string message) {
  return Status(Code::kInvalidModel, "the SentencePiece model is damaged: " + std::move(message),
                "export the tokenizer again");
}

// A unit of the double array, as Darts-clone packs it.
struct Unit {
  uint32_t bits;

  bool IsValue() const { return (bits >> 31) != 0; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }
  bool HasLeaf() const { return (bits >> 8 & 1) != 0; }
  uint32_t offset() const { return (bits >> 10) << ((bits & (1U << 9)) >> 6); }
};

class Trie {
 public:
  explicit Trie(std::string_view bytes) : bytes_(bytes) {}

  uint64_t size() const { return bytes_.size() / sizeof(uint32_t); }
  Unit at(uint64_t i) const {
    Unit unit{};
    std::memcpy(&unit.bits, bytes_.data() + i * sizeof(uint32_t), sizeof(uint32_t));
    return unit;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

Result<std::string_view> CharsMapOf(std::string_view model) {
  constexpr protozero::pbf_tag_type kNormalizerSpec = 3;  // of ModelProto
  constexpr protozero::pbf_tag_type kCharsMap = 2;        // of NormalizerSpec
  std::string_view table;
  try {
    // Messages that stand more than once are merged: the last table counts.
    protozero::pbf_reader proto(model.data(), model.size());
    while (proto.next()) {
      if (proto.tag() != kNormalizerSpec || proto.wire_type() != protozero::pbf_wire_type::length_delimited) {
        proto.skip();
        continue;
      }
      protozero::pbf_reader spec = proto.get_message();
      while (spec.next()) {
        if (spec.tag() == kCharsMap && spec.wire_type() == protozero::pbf_wire_type::length_delimited) {
          const auto view = spec.get_view();
          table = {view.data(), view.size()};
        } else {
          spec.skip();
        }
      }
    }
  } catch (const std::exception&) {
    return Broken("it is no ModelProto message");
  }
  return table;
}

Status CheckCharsMap(std::string_view table) {
  if (table.empty()) return Status::Ok();
  uint32_t trie_bytes = 0;
  if (table.size() < sizeof(trie_bytes)) return Broken("its table of characters is cut short");
  std::memcpy(&trie_bytes, table.data(), sizeof(trie_bytes));
  table.remove_prefix(sizeof(trie_bytes));
  if (trie_bytes > table.size() || trie_bytes < sizeof(uint32_t) || trie_bytes % sizeof(uint32_t) != 0)
    return Broken("its table of characters has a trie of " + std::to_string(trie_bytes) + " bytes of " +
                  std::to_string(table.size()));
  const Trie trie(table.substr(0, trie_bytes));
  const std::string_view replacements = table.substr(trie_bytes);
  if (replacements.empty() || replacements.back() != '\0')
    return Broken("its table of characters has replacements that do not end");
  for (uint64_t i = 0; i < trie.size(); ++i) {
    const Unit unit = trie.at(i);
    if (unit.IsValue() && i != 0) continue;  // no character leads there
    const uint64_t children = i ^ unit.offset();
    if ((children | 0xFF) >= trie.size())
      return Broken("its table of characters leads out of its trie at unit " + std::to_string(i));
    if (unit.HasLeaf() && trie.at(children).value() >= replacements.size())
      return Broken("its table of characters has a replacement outside of it at unit " + std::to_string(i));
  }
  return Status::Ok();
}

}  // namespace slipway
