#include "ops/text/regex.h"

#include <algorithm>

#include "ops/text/regex_syntax.h"

namespace slipway {

int32_t NextRune(std::string_view& text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const int lead = byte(0);
  const int more = lead < 0x80                   ? 0
                   : lead >= 0xC2 && lead < 0xE0 ? 1
                   : (lead & 0xF0) == 0xE0       ? 2
                   : lead >= 0xF0 && lead < 0xF5 ? 3
                                                 : -1;
  int32_t rune = more <= 0 ? lead : lead & (0x3F >> more);
  bool is_valid = more >= 0;
  for (int i = 1; i <= more; ++i) {
    const int next = byte(static_cast<size_t>(i));
    is_valid &= (next & 0xC0) == 0x80;
    rune = rune << 6 | (next & 0x3F);
  }
  constexpr int32_t kLeast[] = {0, 0x80, 0x800, 0x10000};  // longer forms of smaller numbers are not UTF-8
  is_valid = is_valid && rune >= kLeast[more] && rune <= 0x10FFFF;
  text.remove_prefix(is_valid ? static_cast<size_t>(more) + 1 : 1);
  return is_valid ? rune : -1;
}

// Builds the automaton back to front: each part is told the state that follows it.
class RegexCompiler {
 public:
  explicit RegexCompiler(const std::vector<RegexNode>& nodes) : nodes_(nodes) {}

  Result<Regex> Run() {
    const int32_t match = Add({.kind = Regex::Kind::kMatch});
    regex_.start_ = Compile(static_cast<int32_t>(nodes_.size()) - 1, match);
    if (is_too_large_)
      return Status(Code::kUnsupported, "the pattern needs more than 100000 states: repeats within repeats");
    return std::move(regex_);
  }

 private:
  static constexpr size_t kMostStates = 100'000;

  int32_t Add(Regex::State state) {
    is_too_large_ |= regex_.states_.size() >= kMostStates;
    if (is_too_large_) return 0;
    regex_.states_.push_back(state);
    return static_cast<int32_t>(regex_.states_.size()) - 1;
  }

  // The state at which `node` begins, `next` the one after it. Depth: that of the pattern's groups.
  int32_t Compile(int32_t index, int32_t next) {
    if (is_too_large_) return 0;
    const RegexNode& node = nodes_[static_cast<size_t>(index)];
    switch (node.kind) {
      case RegexNode::Kind::kEmpty: return next;
      case RegexNode::Kind::kAssert:
        return Add({.kind = Regex::Kind::kAssert, .assertion = node.assertion, .next = next});
      case RegexNode::Kind::kSet:
        regex_.sets_.push_back(node.set);
        return Add(
            {.kind = Regex::Kind::kSet, .set = static_cast<int32_t>(regex_.sets_.size()) - 1, .next = next});
      case RegexNode::Kind::kSequence:
        for (size_t i = node.parts.size(); i-- > 0;) next = Compile(node.parts[i], next);
        return next;
      case RegexNode::Kind::kChoice: {
        int32_t start = Compile(node.parts.back(), next);
        for (size_t i = node.parts.size() - 1; i-- > 0;)
          start = Add({.kind = Regex::Kind::kSplit, .next = Compile(node.parts[i], next), .other = start});
        return start;
      }
      case RegexNode::Kind::kRepeat: return CompileRepeat(node, next);
    }
    return next;
  }

  int32_t CompileRepeat(const RegexNode& node, int32_t next) {
    int32_t start = next;
    if (node.most < 0) {
      start = Add({.kind = Regex::Kind::kSplit, .next = next, .other = next});
      const int32_t body = Compile(node.parts[0], start);
      if (is_too_large_) return 0;
      regex_.states_[static_cast<size_t>(start)].other = body;
    }
    for (int32_t i = node.least; i < node.most && !is_too_large_; ++i)
      start = Add({.kind = Regex::Kind::kSplit, .next = Compile(node.parts[0], start), .other = next});
    for (int32_t i = 0; i < node.least && !is_too_large_; ++i) start = Compile(node.parts[0], start);
    return start;
  }

  const std::vector<RegexNode>& nodes_;
  Regex regex_;
  bool is_too_large_ = false;
};

Result<Regex> Regex::Parse(std::string_view pattern) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<RegexNode> nodes, ParseRegex(pattern));
  return RegexCompiler(nodes).Run();
}

struct Regex::Place {
  int32_t before = -2, after = -2;  // code points; -2: none

  static bool IsWord(int32_t rune) {
    return (rune >= '0' && rune <= '9') || (rune >= 'A' && rune <= 'Z') || rune == '_' ||
           (rune >= 'a' && rune <= 'z');
  }
  bool Holds(RegexAssert assertion) const {
    switch (assertion) {
      case RegexAssert::kTextBegin: return before == -2;
      case RegexAssert::kTextEnd: return after == -2;
      case RegexAssert::kLineBegin: return before == -2 || before == '\n';
      case RegexAssert::kLineEnd: return after == -2 || after == '\n';
      case RegexAssert::kWordEdge: return IsWord(before) != IsWord(after);
      case RegexAssert::kNoWordEdge: return IsWord(before) == IsWord(after);
    }
    return false;
  }
};

// Adds `state` and all that is reached from it without reading.
void Regex::Follow(int32_t state, const Place& place, std::vector<int32_t>& reached,
                   std::vector<bool>& is_reached) const {
  std::vector<int32_t> open = {state};
  while (!open.empty()) {
    const auto at = static_cast<size_t>(open.back());
    open.pop_back();
    if (is_reached[at]) continue;
    is_reached[at] = true;
    const State& here = states_[at];
    if (here.kind == Kind::kSet || here.kind == Kind::kMatch) reached.push_back(static_cast<int32_t>(at));
    if (here.kind == Kind::kSplit || (here.kind == Kind::kAssert && place.Holds(here.assertion)))
      open.push_back(here.next);
    if (here.kind == Kind::kSplit) open.push_back(here.other);
  }
}

bool Regex::MatchesAll(std::string_view text) const {
  const auto next_rune = [&] { return text.empty() ? -2 : NextRune(text); };
  Place place{-2, next_rune()};
  std::vector<int32_t> current;
  std::vector<bool> is_reached(states_.size(), false);
  Follow(start_, place, current, is_reached);
  while (place.after != -2 && !current.empty()) {
    const int32_t rune = place.after;
    place = {rune, next_rune()};
    std::vector<int32_t> reached;
    is_reached.assign(states_.size(), false);
    for (int32_t state : current) {
      const State& here = states_[static_cast<size_t>(state)];
      if (here.kind != Kind::kSet) continue;
      const RuneSet& set = sets_[static_cast<size_t>(here.set)];
      const auto holds = [&](const RuneRange& range) { return rune >= range.first && rune <= range.last; };
      if (std::any_of(set.begin(), set.end(), holds)) Follow(here.next, place, reached, is_reached);
    }
    current = std::move(reached);
  }
  const auto is_match = [&](int32_t state) {
    return states_[static_cast<size_t>(state)].kind == Kind::kMatch;
  };
  return place.after == -2 && std::any_of(current.begin(), current.end(), is_match);
}

}  // namespace slipway
