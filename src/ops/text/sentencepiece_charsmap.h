// The table of character rules that a SentencePiece model may carry (NormalizerSpec.precompiled_charsmap).
#pragma once

#include <span>
#include <string_view>

#include "slipway/status.h"

namespace slipway {

// The bytes of the table within a serialised ModelProto; empty where there is none. An error where the bytes
// are no message.
Result<std::string_view> CharsMapOf(std::string_view model);

// Whether every step that a walk through the table can take, from any text, stays inside of it.
//
// Layout: u32 size of the trie; the trie, a double array of u32 units (Darts-clone); the replacements, each
// ended by a zero byte.
Status CheckCharsMap(std::string_view table);

}  // namespace slipway
