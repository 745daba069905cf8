#include "formats/proto_text.h"

#include <cctype>
#include <charconv>

namespace slipway::proto_text {
namespace {

constexpr int kMaxDepth = 64;                   // Caffe's messages nest five deep, TensorFlow's eight
constexpr size_t kMaxBytes = size_t{64} << 20;  // descriptions without weights are far smaller

class Parser {
 public:
  Parser(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  Result<Message> Run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    Message message;
    SLIPWAY_RETURN_IF_ERROR(ParseFields(message, 0, '\0'));
    return message;
  }

 private:
  Status Error(const std::string& what) const {
    return Status(Code::kInvalidModel, "line " + std::to_string(line_) + ": " + what,
                  "the file must be " + std::string(what_) + " (protobuf text)");
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
    while (!AtEnd()) {
      const char c = Peek();
      if (c == '#') {
        while (!AtEnd() && Peek() != '\n') ++at_;
      } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
        if (c == '\n') ++line_;
        ++at_;
      } else {
        return;
      }
    }
  }

  bool Take(char c) {
    SkipBlanks();
    if (AtEnd() || Peek() != c) return false;
    ++at_;
    return true;
  }

  // Fields up to `close`, which is consumed; '\0': up to the end of the file.
  Status ParseFields(Message& message, int depth, char close) {
    if (depth > kMaxDepth) return Error("messages nest deeper than " + std::to_string(kMaxDepth));
    const int opened = line_;
    while (true) {
      SkipBlanks();
      if (AtEnd()) {
        if (close == '\0') return Status::Ok();
        return Error("the file ends within the message that line " + std::to_string(opened) + " opens");
      }
      if (close != '\0' && Take(close)) return Status::Ok();
      if (Take(',') || Take(';')) continue;
      SLIPWAY_RETURN_IF_ERROR(ParseField(message, depth));
    }
  }

  Status ParseField(Message& message, int depth) {
    const size_t begin = at_;
    while (std::isalnum(static_cast<unsigned char>(Peek())) || Peek() == '_') ++at_;
    if (at_ == begin) return Error("a field's name is wanted, found " + Shown());
    const std::string name(text_.substr(begin, at_ - begin));
    const bool has_colon = Take(':');
    if (Take('[')) {
      if (Take(']')) return Status::Ok();
      do {
        SLIPWAY_RETURN_IF_ERROR(ParseValue(message, name, depth, has_colon));
      } while (Take(','));
      return Take(']') ? Status::Ok() : Error("',' or ']' is wanted in '" + name + "', found " + Shown());
    }
    return ParseValue(message, name, depth, has_colon);
  }

  Status ParseValue(Message& message, const std::string& name, int depth, bool has_colon) {
    SkipBlanks();
    Field& field = message.fields.emplace_back();
    field.name = name;
    field.line = line_;
    if (Take('{')) return ParseChild(field, depth, '}');
    if (Take('<')) return ParseChild(field, depth, '>');
    if (!has_colon) return Error("':' or '{' is wanted after '" + name + "', found " + Shown());
    if (Peek() == '"' || Peek() == '\'') return ParseStrings(field);
    const size_t begin = at_;
    while (std::isalnum(static_cast<unsigned char>(Peek())) ||
           (!AtEnd() && std::string_view("_.+-").find(Peek()) != std::string_view::npos))
      ++at_;
    if (at_ == begin) return Error("a value of '" + name + "' is wanted, found " + Shown());
    field.text = text_.substr(begin, at_ - begin);
    return Status::Ok();
  }

  Status ParseChild(Field& field, int depth, char close) {
    field.is_message = true;
    return ParseFields(field.message, depth + 1, close);
  }

  // Strings side by side are one.
  Status ParseStrings(Field& field) {
    while (Peek() == '"' || Peek() == '\'') {
      SLIPWAY_RETURN_IF_ERROR(ParseString(field.text));
      SkipBlanks();
    }
    return Status::Ok();
  }

  Status ParseString(std::string& to) {
    const char quote = text_[at_++];
    while (!AtEnd() && Peek() != quote) {
      const char c = text_[at_++];
      if (c == '\n') return Error("a string ends with its line: a closing quote is missing");
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
    if (AtEnd()) return false;
    const char c = text_[at_++];
    constexpr std::string_view kNames = "abfnrtv\\'\"?";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"?";
    if (const size_t known = kNames.find(c); known != std::string_view::npos) {
      to += kMeanings[known];
      return true;
    }
    if (c >= '0' && c <= '7') {
      --at_;
      return ParseCode(to, 8, 3);
    }
    return (c == 'x' || c == 'X') && ParseCode(to, 16, 2);
  }

  bool ParseCode(std::string& to, int base, size_t max_digits) {
    const std::string_view digits = text_.substr(at_, max_digits);
    unsigned value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (parsed.ec != std::errc() || value > 255) return false;
    at_ += static_cast<size_t>(parsed.ptr - digits.data());
    to += static_cast<char>(value);
    return true;
  }

  std::string_view text_;
  std::string_view what_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

const Field* Message::Find(std::string_view name) const {
  for (size_t i = fields.size(); i-- > 0;) {
    if (fields[i].name == name) return &fields[i];
  }
  return nullptr;
}

const Message* Message::Child(std::string_view name) const {
  const Field* field = Find(name);
  return field != nullptr && field->is_message ? &field->message : nullptr;
}

std::vector<const Field*> Message::All(std::string_view name) const {
  std::vector<const Field*> found;
  for (const Field& field : fields) {
    if (field.name == name) found.push_back(&field);
  }
  return found;
}

std::vector<std::string> Message::Texts(std::string_view name) const {
  std::vector<std::string> texts;
  for (const Field* field : All(name)) texts.push_back(field->text);
  return texts;
}

std::string Message::Text(std::string_view name) const {
  const Field* field = Find(name);
  return field == nullptr ? std::string() : field->text;
}

Result<Message> ParseText(std::string_view text, std::string_view what) {
  if (text.size() > kMaxBytes) {
    return Status(Code::kInvalidModel, "the text has " + std::to_string(text.size()) + " bytes; at most " +
                                           std::to_string(kMaxBytes) + " are read as " + std::string(what));
  }
  return Parser(text, what).Run();
}

}  // namespace slipway::proto_text
