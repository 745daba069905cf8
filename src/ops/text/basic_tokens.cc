#include "ops/text/basic_tokens.h"

#include "ops/text/characters.h"

namespace slipway {

std::vector<std::u32string> BasicTokens(std::u32string text, const BasicTokenRules& rules) {
  std::vector<std::u32string> tokens;
  std::u32string word;
  const auto end_word = [&] {
    if (!word.empty()) tokens.push_back(std::move(word));
    word.clear();
  };
  for (char32_t c : text) {
    if (rules.strip_accents) c = WithoutAccent(c);
    if (rules.do_lower_case) c = TokenizerLower(c);
    const bool is_ideograph = rules.tokenize_chinese_chars && IsCjkIdeograph(c);
    if (!is_ideograph && rules.strip_accents && IsCombiningAccent(c)) continue;
    if (is_ideograph || (rules.tokenize_punctuation && IsTokenizerPunctuation(c))) {
      end_word();
      tokens.emplace_back(1, c);
    } else if (IsTokenizerSpace(c)) {
      end_word();
    } else if (!rules.remove_control_chars || !IsTokenizerControl(c)) {
      word.push_back(c);
    }
  }
  end_word();
  return tokens;
}

}  // namespace slipway
