// Regular expressions in RE2's syntax, for one question: does the whole text match?
//
// The pattern becomes a nondeterministic automaton that is run over all its states at once (Thompson, 1968):
// time grows with pattern times text, never exponentially. Only a yes or no comes out, so groups capture
// nothing and greediness is ignored. Left out, and refused with a message: \C (a single byte), Unicode
// classes
// (\pN) and letters beyond ASCII under (?i). Text is UTF-8; bytes that are not match nothing.
//
// Syntax: https://github.com/google/re2/wiki/Syntax
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway {

// A set of code points as ranges [first, last].
struct RuneRange {
  int32_t first = 0, last = 0;
};
using RuneSet = std::vector<RuneRange>;

enum class RegexAssert : uint8_t { kTextBegin, kTextEnd, kLineBegin, kLineEnd, kWordEdge, kNoWordEdge };

// Immutable; threads may share it.
class Regex {
 public:
  static Result<Regex> Parse(std::string_view pattern);
  bool MatchesAll(std::string_view text) const;

 private:
  friend class RegexCompiler;
  enum class Kind : uint8_t { kSet, kSplit, kAssert, kMatch };
  struct State {
    Kind kind = Kind::kMatch;
    RegexAssert assertion = RegexAssert::kTextBegin;
    int32_t set = 0;    // kSet: which of sets_
    int32_t next = 0;   // where to go on
    int32_t other = 0;  // kSplit: or here
  };

  struct Place;  // between two code points of the text
  void Follow(int32_t state, const Place& place, std::vector<int32_t>& reached,
              std::vector<bool>& is_reached) const;

  std::vector<State> states_;
  std::vector<RuneSet> sets_;
  int32_t start_ = 0;
};

}  // namespace slipway
