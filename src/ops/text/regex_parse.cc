// From the text of a pattern to nodes, by recursive descent.
#include <algorithm>
#include <string>

#include "ops/text/regex_syntax.h"

namespace slipway {
namespace {

constexpr int32_t kLastRune = 0x10FFFF;
constexpr int kMostDepth = 250;     // of groups; nobody writes so many
constexpr int kMostRepeats = 1000;  // in x{n,m}, as RE2 has it

bool IsDigit(int32_t rune) { return rune >= '0' && rune <= '9'; }
bool IsLetter(int32_t rune) { return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z'); }

const RuneSet kDigits = {{'0', '9'}};
const RuneSet kSpaces = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
const RuneSet kWords = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

struct NamedSet {
  std::string_view name;
  RuneSet set;
};
const NamedSet kNamedSets[] = {{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
                               {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
                               {"ascii", {{0, 0x7F}}},
                               {"blank", {{'\t', '\t'}, {' ', ' '}}},
                               {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
                               {"digit", kDigits},
                               {"graph", {{'!', '~'}}},
                               {"lower", {{'a', 'z'}}},
                               {"print", {{' ', '~'}}},
                               {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
                               {"space", {{'\t', '\r'}, {' ', ' '}}},
                               {"upper", {{'A', 'Z'}}},
                               {"word", kWords},
                               {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}};

RuneSet Complement(RuneSet set) {
  std::sort(set.begin(), set.end(), [](const RuneRange& a, const RuneRange& b) { return a.first < b.first; });
  RuneSet rest;
  int32_t next = 0;
  for (const RuneRange& range : set) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = std::max(next, range.last + 1);
  }
  if (next <= kLastRune) rest.push_back({next, kLastRune});
  return rest;
}

void Append(RuneSet& set, const RuneSet& more) { set.insert(set.end(), more.begin(), more.end()); }

// The other case of ASCII letters; Unicode folds the Kelvin sign to k and the long s to s.
void AddOtherCases(RuneSet& set) {
  constexpr int32_t kKelvin = 0x212A, kLongS = 0x17F;
  const RuneSet original = set;
  const auto has = [&](int32_t rune) {
    return std::any_of(original.begin(), original.end(),
                       [&](const RuneRange& range) { return rune >= range.first && rune <= range.last; });
  };
  for (int32_t lower = 'a'; lower <= 'z'; ++lower) {
    const int32_t upper = lower - 'a' + 'A';
    const int32_t third = lower == 'k' ? kKelvin : lower == 's' ? kLongS : lower;
    if (has(lower) || has(upper) || has(third)) Append(set, {{lower, lower}, {upper, upper}, {third, third}});
  }
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern), rest_(pattern) {}

  Result<std::vector<RegexNode>> Run() {
    SLIPWAY_RETURN_IF_ERROR(ParseChoice(0).status());
    if (!rest_.empty()) return Error("a ')' without its '('");
    return std::move(nodes_);
  }

 private:
  struct Flags {
    bool folds_case = false;     // i
    bool is_multi_line = false;  // m
    bool dot_is_any = false;     // s
  };

  Status Error(const std::string& message) const {
    return Status(Code::kInvalidModel, "pattern '" + std::string(pattern_) + "': " + message);
  }
  Status Unsupported(const std::string& message) const {
    return Status(Code::kUnsupported, "pattern '" + std::string(pattern_) + "': " + message);
  }

  int32_t Add(RegexNode node) {
    nodes_.push_back(std::move(node));
    return static_cast<int32_t>(nodes_.size()) - 1;
  }
  int32_t AddAssert(RegexAssert assertion) {
    return Add({.kind = RegexNode::Kind::kAssert, .assertion = assertion});
  }

  bool Take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  Result<int32_t> TakeRune() {
    const int32_t rune = NextRune(rest_);
    if (rune < 0) return Error("it is not UTF-8");
    return rune;
  }

  // Adds the range to `set`, with the other cases of its letters where they count.
  Status Insert(RuneSet& set, RuneRange range) {
    set.push_back(range);
    if (!flags_.folds_case) return Status::Ok();
    // Ranges that reach far beyond ASCII hold both cases of what lies there.
    const int32_t foreign = range.last - std::max(range.first, 0x80) + 1;
    if (foreign > 0 && foreign < 0x10000)
      return Unsupported("letters beyond ASCII under (?i) are not supported; name both cases");
    RuneSet both = {range};
    AddOtherCases(both);
    Append(set, both);
    return Status::Ok();
  }

  enum class Sign { kIn, kOut };

  void InsertNamed(RuneSet& set, RuneSet named, Sign sign) const {
    if (flags_.folds_case) AddOtherCases(named);
    Append(set, sign == Sign::kIn ? named : Complement(std::move(named)));
  }

  int32_t AddSet(RuneSet set) { return Add({.kind = RegexNode::Kind::kSet, .set = std::move(set)}); }

  Result<int32_t> AddRune(int32_t rune) {
    RuneSet set;
    SLIPWAY_RETURN_IF_ERROR(Insert(set, {rune, rune}));
    return AddSet(std::move(set));
  }

  // a|b|c, up to a ')' or the end.
  Result<int32_t> ParseChoice(int depth) {
    if (depth > kMostDepth) return Error("groups are nested more than 250 deep");
    RegexNode choice{.kind = RegexNode::Kind::kChoice};
    do {
      SLIPWAY_ASSIGN_OR_RETURN(const int32_t branch, ParseSequence(depth));
      choice.parts.push_back(branch);
    } while (Take("|"));
    return Add(std::move(choice));
  }

  Result<int32_t> ParseSequence(int depth) {
    RegexNode sequence{.kind = RegexNode::Kind::kSequence};
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      SLIPWAY_ASSIGN_OR_RETURN(const int32_t item, ParseItem(depth));
      if (item < 0) continue;
      SLIPWAY_ASSIGN_OR_RETURN(const int32_t repeated, ParseRepeat(item));
      sequence.parts.push_back(repeated);
    }
    return Add(std::move(sequence));
  }

  // n, m of "{n}", "{n,}", "{n,m}"; false, nothing taken, where it is something else.
  bool TakeCounts(RegexNode& repeat) {
    const std::string_view before = rest_;
    const auto number = [&](int32_t& value) {
      bool has_digits = false;
      for (value = 0; !rest_.empty() && IsDigit(rest_[0]); rest_.remove_prefix(1), has_digits = true)
        value = std::min(value * 10 + (rest_[0] - '0'), kMostRepeats + 1);
      return has_digits;
    };
    bool is_counts = Take("{") && number(repeat.least);
    repeat.most = repeat.least;
    if (is_counts && Take(",") && !number(repeat.most)) repeat.most = -1;
    is_counts = is_counts && Take("}");
    if (!is_counts) rest_ = before;
    return is_counts;
  }

  bool TakeRepeat(RegexNode& repeat) {
    if (Take("*")) {
      repeat.least = 0, repeat.most = -1;
    } else if (Take("+")) {
      repeat.least = 1, repeat.most = -1;
    } else if (Take("?")) {
      repeat.least = 0, repeat.most = 1;
    } else if (!TakeCounts(repeat)) {
      return false;
    }
    Take("?");  // as few as possible: the same yes or no
    return true;
  }

  Result<int32_t> ParseRepeat(int32_t item) {
    RegexNode repeat{.kind = RegexNode::Kind::kRepeat, .parts = {item}};
    if (!TakeRepeat(repeat)) return item;
    if (repeat.least > kMostRepeats || repeat.most > kMostRepeats ||
        (repeat.most >= 0 && repeat.most < repeat.least))
      return Error("repeats must be at most 1000, and the first number no more than the second");
    RegexNode more;
    if (TakeRepeat(more)) return Error("one repetition operator follows another");
    return Add(std::move(repeat));
  }

  // -1: flags were set, and nothing is there to match.
  Result<int32_t> ParseItem(int depth) {
    if (Take("(")) return ParseGroup(depth);
    if (Take("[")) return ParseClass();
    if (Take("^")) return AddAssert(flags_.is_multi_line ? RegexAssert::kLineBegin : RegexAssert::kTextBegin);
    if (Take("$")) return AddAssert(flags_.is_multi_line ? RegexAssert::kLineEnd : RegexAssert::kTextEnd);
    if (Take(".")) {
      return Add({.kind = RegexNode::Kind::kSet,
                  .set = flags_.dot_is_any ? RuneSet{{0, kLastRune}} : Complement({{'\n', '\n'}})});
    }
    if (rest_[0] == '*' || rest_[0] == '+' || rest_[0] == '?') return Error("nothing to repeat");
    if (Take("\\Q")) return ParseQuoted();
    if (rest_[0] == '\\') return ParseEscapedItem();
    SLIPWAY_ASSIGN_OR_RETURN(const int32_t rune, TakeRune());
    return AddRune(rune);
  }

  Result<int32_t> ParseGroup(int depth) {
    const Flags outer = flags_;
    if (Take("?")) {
      if (rest_.starts_with("P<") || rest_.starts_with("<")) {
        SLIPWAY_RETURN_IF_ERROR(TakeName());
      } else {
        SLIPWAY_ASSIGN_OR_RETURN(const bool is_group, TakeFlags());
        if (!is_group) return -1;
      }
    }
    SLIPWAY_ASSIGN_OR_RETURN(const int32_t inner, ParseChoice(depth + 1));
    if (!Take(")")) return Error("a '(' without its ')'");
    flags_ = outer;
    return inner;
  }

  Status TakeName() {
    const size_t begin = rest_.find('<') + 1;
    const size_t end = rest_.find('>');
    const std::string_view name = end == std::string_view::npos ? "" : rest_.substr(begin, end - begin);
    const bool is_word =
        std::all_of(name.begin(), name.end(), [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; });
    if (name.empty() || !is_word)
      return Error(
          "a group's name must be letters, digits and '_'; looking ahead or behind is not in RE2's syntax");
    if (std::find(names_.begin(), names_.end(), name) != names_.end())
      return Error("two groups have one name");
    names_.push_back(name);
    rest_.remove_prefix(end + 1);
    return Status::Ok();
  }

  // Behind "(?". True: a group begins (":"); false: the flags hold from here on (")").
  Result<bool> TakeFlags() {
    bool value = true;
    bool has_flag = false;
    for (;;) {
      if (rest_.empty()) return Error("a '(' without its ')'");
      const char c = rest_[0];
      rest_.remove_prefix(1);
      switch (c) {
        case 'i': flags_.folds_case = value; break;
        case 'm': flags_.is_multi_line = value; break;
        case 's': flags_.dot_is_any = value; break;
        case 'U': break;
        case '-':
          if (!value) return Error("'(?' is followed by two '-'");
          value = false;
          has_flag = false;
          continue;
        case ':':
        case ')':
          if (!has_flag && (!value || c == ')')) return Error("'(?' lacks a flag");
          return c == ':';
        default: return Error(std::string("'(?") + c + "' is not in RE2's syntax");
      }
      has_flag = true;
    }
  }

  // Up to \E or the end. What follows repeats the last character only.
  Result<int32_t> ParseQuoted() {
    RegexNode sequence{.kind = RegexNode::Kind::kSequence};
    while (!rest_.empty() && !Take("\\E")) {
      SLIPWAY_ASSIGN_OR_RETURN(const int32_t rune, TakeRune());
      SLIPWAY_ASSIGN_OR_RETURN(int32_t item, AddRune(rune));
      if (Take("\\E")) {
        SLIPWAY_ASSIGN_OR_RETURN(item, ParseRepeat(item));
        sequence.parts.push_back(item);
        break;
      }
      sequence.parts.push_back(item);
    }
    return Add(std::move(sequence));
  }

  Result<int32_t> ParseEscapedItem() {
    if (Take("\\A")) return AddAssert(RegexAssert::kTextBegin);
    if (Take("\\z")) return AddAssert(RegexAssert::kTextEnd);
    if (Take("\\b")) return AddAssert(RegexAssert::kWordEdge);
    if (Take("\\B")) return AddAssert(RegexAssert::kNoWordEdge);
    RuneSet set;
    SLIPWAY_ASSIGN_OR_RETURN(const bool is_set, TakeEscapedSet(set));
    if (is_set) return AddSet(std::move(set));
    SLIPWAY_ASSIGN_OR_RETURN(const int32_t rune, TakeEscapedRune());
    return AddRune(rune);
  }

  // \d, \W ...: appended to `set`.
  Result<bool> TakeEscapedSet(RuneSet& set) {
    const std::pair<char, const RuneSet*> known[] = {{'d', &kDigits}, {'s', &kSpaces}, {'w', &kWords}};
    if (rest_.size() < 2 || rest_[0] != '\\') return false;
    if (rest_[1] == 'p' || rest_[1] == 'P') return Unsupported("Unicode classes (\\p) are not supported");
    if (rest_[1] == 'C') return Unsupported("single bytes (\\C) are not supported");
    for (const auto& [letter, named] : known) {
      const bool is_negated = rest_[1] == letter - 'a' + 'A';
      if (rest_[1] != letter && !is_negated) continue;
      InsertNamed(set, *named, is_negated ? Sign::kOut : Sign::kIn);
      rest_.remove_prefix(2);
      return true;
    }
    return false;
  }

  // At a '\'.
  Result<int32_t> TakeEscapedRune() {
    rest_.remove_prefix(1);
    if (rest_.empty()) return Error("it ends with a '\\'");
    SLIPWAY_ASSIGN_OR_RETURN(const int32_t rune, TakeRune());
    if (rune < 0x80 && !IsLetter(rune) && !IsDigit(rune)) return rune;
    switch (rune) {
      case 'a': return '\a';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'v': return '\v';
      case 'x': return TakeHex();
      default: break;
    }
    const bool is_octal =
        rune == '0' || (rune >= '1' && rune <= '7' && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '7');
    if (!is_octal) return Error("an escape that is not in RE2's syntax");
    int32_t value = rune - '0';
    for (int i = 0; i < 2 && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '7';
         ++i, rest_.remove_prefix(1))
      value = value * 8 + (rest_[0] - '0');
    return value;
  }

  static int HexDigit(char c) {
    if (IsDigit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  }

  // Two digits, or any number in braces.
  Result<int32_t> TakeHex() {
    const bool has_braces = Take("{");
    int32_t value = 0;
    int digits = 0;
    for (; !rest_.empty() && HexDigit(rest_[0]) >= 0 && (has_braces || digits < 2);
         rest_.remove_prefix(1), ++digits)
      value = std::min(value * 16 + HexDigit(rest_[0]), kLastRune + 1);
    const bool is_right = value <= kLastRune && (has_braces ? digits > 0 && Take("}") : digits == 2);
    if (!is_right) return Error("\\x must have two hexadecimal digits, or a code point in braces");
    return value;
  }

  // "[:alpha:]" or "[:^alpha:]" within a class.
  Result<bool> TakeNamedSet(RuneSet& set) {
    const size_t end = rest_.find(":]");
    if (!rest_.starts_with("[:") || end == std::string_view::npos || end < 2) return false;
    std::string_view name = rest_.substr(2, end - 2);
    const bool is_negated = name.starts_with('^');
    if (is_negated) name.remove_prefix(1);
    for (const NamedSet& known : kNamedSets) {
      if (known.name != name) continue;
      InsertNamed(set, known.set, is_negated ? Sign::kOut : Sign::kIn);
      rest_.remove_prefix(end + 2);
      return true;
    }
    return Error("'[:" + std::string(name) + ":]' is no class");
  }

  Result<int32_t> TakeClassRune() {
    if (rest_.empty()) return Error("a '[' without its ']'");
    if (rest_[0] == '\\') return TakeEscapedRune();
    return TakeRune();
  }

  Result<int32_t> ParseClass() {
    const bool is_negated = Take("^");
    RuneSet set;
    for (bool is_first = true; is_first || !Take("]"); is_first = false) {
      SLIPWAY_ASSIGN_OR_RETURN(const bool is_named, TakeNamedSet(set));
      if (is_named) continue;
      SLIPWAY_ASSIGN_OR_RETURN(const bool is_escaped, TakeEscapedSet(set));
      if (is_escaped) continue;
      SLIPWAY_ASSIGN_OR_RETURN(const int32_t first, TakeClassRune());
      int32_t last = first;
      if (rest_.size() >= 2 && rest_[0] == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        SLIPWAY_ASSIGN_OR_RETURN(last, TakeClassRune());
      }
      if (last < first) return Error("a range of a class goes backwards");
      SLIPWAY_RETURN_IF_ERROR(Insert(set, {first, last}));
    }
    return AddSet(is_negated ? Complement(std::move(set)) : std::move(set));
  }

  std::string_view pattern_;
  std::string_view rest_;
  Flags flags_;
  std::vector<std::string_view> names_;
  std::vector<RegexNode> nodes_;
};

}  // namespace

Result<std::vector<RegexNode>> ParseRegex(std::string_view pattern) { return Parser(pattern).Run(); }

}  // namespace slipway
