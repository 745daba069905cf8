// Fuzz entry: any bytes as a SentencePiece model, which then tokenizes texts, the end of its own bytes among
// them.
#include <algorithm>

#include "ops/text/sentencepiece_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = slipway::SentencePieceModel::Parse({data, size});
  if (!model.ok()) return 0;
  const size_t tail = std::min<size_t>(size, 40);
  const std::string own(reinterpret_cast<const char*>(data) + size - tail, tail);
  for (const std::string& text : {std::string("  ab cabbage A\xC3\xA9 \xEF\xAC\x81 <x>\xFF"), own}) {
    const auto pieces = (*model)->Encode(text);
    if (!pieces.ok()) continue;
    std::vector<int> ids;
    for (const slipway::SentencePiece& piece : *pieces) ids.push_back(piece.id);
    (void)(*model)->Decode(ids);
  }
  return 0;
}
