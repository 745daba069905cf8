// The parsed form of a regular expression, between its text and the automaton.
#pragma once

#include "ops/text/regex.h"

namespace slipway {

struct RegexNode {
  enum class Kind { kEmpty, kSet, kAssert, kSequence, kChoice, kRepeat };
  Kind kind = Kind::kEmpty;
  RuneSet set;                                      // kSet
  RegexAssert assertion = RegexAssert::kTextBegin;  // kAssert
  std::vector<int32_t> parts;                       // kSequence, kChoice; kRepeat: one
  int32_t least = 0, most = 0;                      // kRepeat; most < 0: without end
};

// Nodes refer to each other by index, parts before wholes; the last is the root.
Result<std::vector<RegexNode>> ParseRegex(std::string_view pattern);

// Reads one code point and moves `text` behind it; -1 for a byte that is no UTF-8.
int32_t NextRune(std::string_view& text);

}  // namespace slipway
