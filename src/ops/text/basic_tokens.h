// What BERT does to text before it looks words up: cuts it at spaces, punctuation and ideographs, and tidies
// the characters. As onnxruntime-extensions' BasicTokenizer.
#pragma once

#include <string>
#include <vector>

namespace slipway {

struct BasicTokenRules {
  bool do_lower_case = true;
  bool tokenize_chinese_chars = true;  // each ideograph is a token
  bool strip_accents = false;
  bool tokenize_punctuation = true;  // each mark is a token
  bool remove_control_chars = true;
};

std::vector<std::u32string> BasicTokens(std::u32string text, const BasicTokenRules& rules);

}  // namespace slipway
