#include "server/models/pbtxt.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "ops/text/utf8.h"

namespace slipway::server::pbtxt {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsOctalDigit(char c) { return c >= '0' && c <= '7'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }

bool IsWord(std::string_view text) {
  return !text.empty() && IsNameStart(text[0]) && std::all_of(text.begin(), text.end(), IsNamePart);
}

// The words that a minus may precede.
bool IsNotFinite(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower == "inf" || lower == "infinity" || lower == "nan";
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  Result<Message> Run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = line_begin_ = 3;
    Message message;
    SLIPWAY_RETURN_IF_ERROR(ParseFields(message, '\0'));
    return message;
  }

 private:
  int Column() const { return static_cast<int>(at_ - line_begin_) + 1; }

  Status Error(const std::string& what) const {
    return Status(Code::kInvalidModel, std::string(file_name_) + ":" + std::to_string(line_) + ":" +
                                           std::to_string(Column()) + ": " + what);
  }

  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }

  std::string Shown() const {
    if (AtEnd()) return "the end of the file";
    const char c = Peek();
    if (c < 32 || c > 126) return "byte " + std::to_string(static_cast<unsigned char>(c));
    return std::string("'") + c + "'";
  }

  void SkipBlanks() {
    for (; !AtEnd(); ++at_) {
      if (Peek() == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      if (Peek() != ' ' && (Peek() < '\t' || Peek() > '\r')) return;
      if (Peek() != '\n') continue;
      ++line_;
      line_begin_ = at_ + 1;
    }
  }

  // Blanks and then `c`, if it is there.
  bool Take(char c) {
    SkipBlanks();
    if (AtEnd() || Peek() != c) return false;
    ++at_;
    return true;
  }

  // Fields up to `close`, which is consumed; '\0': up to the end of the file.
  Status ParseFields(Message& message, char close) {
    const int opened = line_;
    while (true) {
      SkipBlanks();
      if (AtEnd() && close == '\0') return Status::Ok();
      if (AtEnd()) {
        return Error("the file ends within the message that line " + std::to_string(opened) + " opens");
      }
      if (close != '\0' && Take(close)) return Status::Ok();
      SLIPWAY_RETURN_IF_ERROR(ParseField(message));
      if (!Take(',')) Take(';');
    }
  }

  Status ParseField(Message& message) {
    Field field{.line = line_, .column = Column()};
    const size_t begin = at_;
    while (IsNamePart(Peek())) ++at_;
    field.name = text_.substr(begin, std::min(at_ - begin, kMaxNameBytes + 1));
    if (!IsWord(field.name)) {
      at_ = begin;
      return Error("a field's name is wanted, found " + Shown());
    }
    // Every value of a list has a copy of the name.
    if (field.name.size() > kMaxNameBytes) {
      return Error("a field's name is longer than " + std::to_string(kMaxNameBytes) + " bytes");
    }
    const bool has_colon = Take(':');
    if (Take('[')) return ParseList(message, std::move(field), has_colon);
    return ParseValue(message, std::move(field), has_colon);
  }

  Status ParseList(Message& message, Field first, bool has_colon) {
    const std::string name = first.name;
    if (Take(']')) return Add(message, std::move(first));
    do {
      SkipBlanks();
      Field field{.name = name, .line = line_, .column = Column()};
      SLIPWAY_RETURN_IF_ERROR(ParseValue(message, std::move(field), has_colon));
    } while (Take(','));
    return Take(']') ? Status::Ok() : Error("',' or ']' is wanted in '" + name + "', found " + Shown());
  }

  Status ParseValue(Message& message, Field field, bool has_colon) {
    SkipBlanks();
    if (Take('{')) {
      SLIPWAY_RETURN_IF_ERROR(ParseChild(field, '}'));
    } else if (Take('<')) {
      SLIPWAY_RETURN_IF_ERROR(ParseChild(field, '>'));
    } else if (!has_colon) {
      return Error("':' or '{' is wanted after '" + field.name + "', found " + Shown());
    } else if (Peek() == '"' || Peek() == '\'') {
      SLIPWAY_RETURN_IF_ERROR(ParseStrings(field));
    } else {
      SLIPWAY_RETURN_IF_ERROR(ParseWordOrNumber(field));
    }
    return Add(message, std::move(field));
  }

  Status Add(Message& message, Field field) {
    if (++num_fields_ > kMaxFields) return Error("more than " + std::to_string(kMaxFields) + " fields");
    message.fields.push_back(std::move(field));
    return Status::Ok();
  }

  Status ParseChild(Field& field, char close) {
    if (depth_ >= kMaxDepth) return Error("messages nest deeper than " + std::to_string(kMaxDepth));
    ++depth_;
    field.kind = Kind::kMessage;
    SLIPWAY_RETURN_IF_ERROR(ParseFields(field.message, close));
    --depth_;
    return Status::Ok();
  }

  Status ParseWordOrNumber(Field& field) {
    const bool is_negative = Take('-');
    SkipBlanks();
    const std::string_view token = TakeToken();
    if (token.empty()) return Error("a value of '" + field.name + "' is wanted, found " + Shown());
    const bool is_number = IsNumber(token) || (is_negative && IsNotFinite(token));
    if (!is_number && (is_negative || !IsWord(token))) {
      const std::string_view shown = token.substr(0, 40);
      at_ -= token.size();
      return Error("'" + std::string(shown) + "' is no number, for '" + field.name + "'");
    }
    field.kind = is_number ? Kind::kNumber : Kind::kWord;
    field.text = (is_negative ? "-" : "") + std::string(token);
    return Status::Ok();
  }

  // What hangs together as a word or a number, right or wrong; a sign belongs to it behind an exponent's e.
  std::string_view TakeToken() {
    const size_t begin = at_;
    const bool is_hex = text_.substr(at_).starts_with("0x") || text_.substr(at_).starts_with("0X");
    const bool can_have_exponent = !is_hex && (IsDigit(Peek()) || Peek() == '.');
    for (; !AtEnd(); ++at_) {
      const bool is_exponent_sign = (Peek() == '+' || Peek() == '-') && can_have_exponent && at_ > begin &&
                                    (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      if (!IsNamePart(Peek()) && Peek() != '.' && !is_exponent_sign) break;
    }
    return text_.substr(begin, at_ - begin);
  }

  // Strings side by side are one.
  Status ParseStrings(Field& field) {
    field.kind = Kind::kString;
    while (Peek() == '"' || Peek() == '\'') {
      SLIPWAY_RETURN_IF_ERROR(ParseString(field.text));
      SkipBlanks();
    }
    return Status::Ok();
  }

  Status ParseString(std::string& to) {
    const char quote = text_[at_++];
    while (!AtEnd() && Peek() != quote) {
      const char c = Peek();
      if (c == '\n') return Error("a string ends with its line: a closing quote is missing");
      ++at_;
      if (c != '\\') {
        to += c;
      } else if (!ParseEscape(to)) {
        return Error("a string holds a bad escape");
      }
    }
    if (AtEnd()) return Error("a string has no closing quote");
    ++at_;
    return Status::Ok();
  }

  bool ParseEscape(std::string& to) {
    constexpr std::string_view kNames = "abfnrtv\\'\"?";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"?";
    const char c = Peek();
    const size_t known = AtEnd() ? std::string_view::npos : kNames.find(c);
    if (known != std::string_view::npos) {
      ++at_;
      to += kMeanings[known];
      return true;
    }
    if (IsOctalDigit(c)) return ParseByte(to, {.base = 8, .min_digits = 1, .max_digits = 3});
    ++at_;
    if (c == 'x' || c == 'X') return ParseByte(to, {.base = 16, .min_digits = 1, .max_digits = 2});
    if (c == 'u') return ParseCodePoint(to, {.base = 16, .min_digits = 4, .max_digits = 4});
    return c == 'U' && ParseCodePoint(to, {.base = 16, .min_digits = 8, .max_digits = 8});
  }

  struct EscapeForm {
    int base;
    size_t min_digits;
    size_t max_digits;
  };

  std::optional<uint32_t> TakeCode(const EscapeForm& form) {
    if (AtEnd()) return std::nullopt;
    const std::string_view digits = text_.substr(at_, form.max_digits);
    uint32_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, form.base);
    const auto taken = static_cast<size_t>(parsed.ptr - digits.data());
    if (parsed.ec != std::errc() || taken < form.min_digits) return std::nullopt;
    at_ += taken;
    return value;
  }

  bool ParseByte(std::string& to, const EscapeForm& form) {
    const std::optional<uint32_t> value = TakeCode(form);
    if (!value || *value > 255) return false;
    to += static_cast<char>(*value);
    return true;
  }

  bool ParseCodePoint(std::string& to, const EscapeForm& form) {
    const std::optional<uint32_t> value = TakeCode(form);
    const bool is_surrogate = value && *value >= 0xD800 && *value <= 0xDFFF;
    if (!value || is_surrogate || *value > 0x10FFFF) return false;
    AppendUtf8(static_cast<char32_t>(*value), to);
    return true;
  }

  std::string_view text_;
  std::string_view file_name_;
  size_t at_ = 0;
  size_t line_begin_ = 0;
  int line_ = 1;
  int depth_ = 0;
  size_t num_fields_ = 0;
};

}  // namespace

bool IsNumber(std::string_view text) {
  if (text.empty() || (!IsDigit(text[0]) && text[0] != '.')) return false;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    return text.size() > 2 && std::all_of(text.begin() + 2, text.end(), IsHexDigit);
  }
  if (std::all_of(text.begin(), text.end(), IsDigit)) {
    return text[0] != '0' || std::all_of(text.begin(), text.end(), IsOctalDigit);
  }
  if (text.ends_with('f') || text.ends_with('F')) text.remove_suffix(1);
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  // Out of range is a number all the same.
  return parsed.ec != std::errc::invalid_argument && parsed.ptr == text.data() + text.size();
}

Result<Message> Parse(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxBytes) {
    return Status(Code::kInvalidModel, std::string(file_name) + ": the text has " +
                                           std::to_string(text.size()) + " bytes, the limit is " +
                                           std::to_string(kMaxBytes));
  }
  return Parser(text, file_name).Run();
}

}  // namespace slipway::server::pbtxt
