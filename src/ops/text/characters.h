// Which characters are what to the tokenizers of onnxruntime-extensions.
//
// Its tables are its own, not Unicode's: each is given here as observed of version 0.15 character by
// character (tests/oracles/onnx_extensions.py does so again).
#pragma once

namespace slipway {

bool IsTokenizerSpace(char32_t c);
bool IsTokenizerControl(char32_t c);
bool IsTokenizerPunctuation(char32_t c);
bool IsCjkIdeograph(char32_t c);
bool IsCombiningAccent(char32_t c);
// Latin, Cyrillic and a few Greek letters; others stay.
char32_t TokenizerLower(char32_t c);
// The letters of Latin-1 without their accent.
char32_t WithoutAccent(char32_t c);

}  // namespace slipway
