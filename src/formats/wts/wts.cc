// Reads and writes tensorrtx's .wts text: one pass over white-space separated words, the line counted along.
#include "slipway/wts.h"

#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include "base/file.h"
#include "base/nearest.h"

namespace slipway {
namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";
constexpr size_t kMaxWordDigits = 8;
constexpr size_t kMaxShown = 40;  // characters of a word of the file that a message repeats

// Printable, and short: the file may hold anything.
std::string Shown(std::string_view word) {
  std::string shown = "'";
  for (const char c : word.substr(0, kMaxShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown + (word.size() > kMaxShown ? "...'" : "'");
}

class WtsParser {
 public:
  WtsParser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  Result<WtsWeights> Parse() {
    const std::string_view count_word = Next();
    const std::optional<uint64_t> count = Number(count_word, 10);
    if (!count)
      return Error("the number of arrays is expected, found " + Found(count_word),
                   "a .wts file begins with a line that holds that number alone");
    WtsWeights::Map tensors;
    for (uint64_t i = 0; i < *count; ++i) {
      const std::string_view name = Next();
      if (name.empty())
        return Error("the file ends after " + std::to_string(i) + " arrays; its first line says " +
                         std::to_string(*count),
                     "the file is cut short; write it again");
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, Array(name));
      if (!tensors.emplace(std::string(name), std::move(tensor)).second)
        return Error("a second array is called " + Shown(name), "names must differ");
    }
    if (const std::string_view rest = Next(); !rest.empty())
      return Error(Shown(rest) + " follows the last of " + std::to_string(*count) + " arrays",
                   "the first line must say how many arrays there are");
    return WtsWeights(std::move(tensors));
  }

 private:
  // Empty at the end of the text. line_ is then the line of the word.
  std::string_view Next() {
    while (at_ < text_.size() && kSpace.find(text_[at_]) != std::string_view::npos)
      if (text_[at_++] == '\n') ++line_;
    const size_t begin = at_;
    while (at_ < text_.size() && kSpace.find(text_[at_]) == std::string_view::npos) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  static std::optional<uint64_t> Number(std::string_view word, int base) {
    uint64_t number = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, number, base);
    if (word.empty() || error != std::errc() || stop != end) return std::nullopt;
    return number;
  }

  Result<Tensor> Array(std::string_view name) {
    const size_t line = line_;
    const std::string_view count_word = Next();
    const std::optional<uint64_t> count = Number(count_word, 10);
    if (!count)
      return Error("the element count of " + Shown(name) + " is expected, found " + Found(count_word));
    // Every word takes a digit and a space before it.
    const size_t most = (text_.size() - at_) / 2;
    if (*count > most)
      return Error(Shown(name) + " claims " + std::to_string(*count) +
                       " words, what is left of the file holds at most " + std::to_string(most),
                   "the file is cut short; write it again");
    Tensor tensor(DType::kF32, {static_cast<int64_t>(*count)});
    for (uint64_t i = 0; i < *count; ++i) {
      const std::string_view word = Next();
      const std::optional<uint64_t> bits = word.size() <= kMaxWordDigits ? Number(word, 16) : std::nullopt;
      if (!bits)
        return Error("word " + std::to_string(i + 1) + " of the " + std::to_string(*count) + " of " +
                         Shown(name) + " (line " + std::to_string(line) + ") is expected, found " +
                         Found(word),
                     "a word is one to eight hexadecimal digits");
      const auto narrow = static_cast<uint32_t>(*bits);
      std::memcpy(tensor.as<float>() + i, &narrow, sizeof(narrow));
    }
    return tensor;
  }

  static std::string Found(std::string_view word) {
    return word.empty() ? "the end of the file" : Shown(word);
  }

  Status Error(const std::string& message, std::string hint = {}) const {
    return Status(Code::kInvalidModel, std::string(name_) + ":" + std::to_string(line_) + ": " + message,
                  std::move(hint));
  }

  std::string_view text_;
  std::string_view name_;
  size_t at_ = 0;
  size_t line_ = 1;
};

}  // namespace

Result<Tensor> WtsWeights::Get(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& [key, tensor] : tensors_) names.push_back(key);
  return Status(Code::kNotFound,
                "the weights have no array called '" + std::string(name) + "'" + DidYouMean(name, names));
}

Result<Tensor> WtsWeights::Get(std::string_view name, Dims dims) const {
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor tensor, Get(name));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t wanted, ElementCount(dims));
  if (tensor.count() != wanted)
    return Status(Code::kInvalidModel,
                  "weights '" + std::string(name) + "' have " + std::to_string(tensor.count()) +
                      " elements, " + ToString(dims) + " needs " + std::to_string(wanted),
                  "these are the weights of another network, or the shape is wrong");
  return tensor.Reshaped(std::move(dims));
}

Result<WtsWeights> ReadWts(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const auto bytes = file.bytes();
  return ParseWts({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

Result<WtsWeights> ParseWts(std::string_view text, std::string_view name) {
  return WtsParser(text, name).Parse();
}

Result<std::string> FormatWts(const WtsWeights& weights) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = std::to_string(weights.all().size()) + "\n";
  for (const auto& [name, tensor] : weights.all()) {
    if (tensor.dtype() != DType::kF32)
      return Status(Code::kUnsupported,
                    "weights '" + name + "' are " + Describe(tensor) + ", a .wts file holds f32",
                    "cast them");
    if (name.empty() || name.find_first_of(kSpace) != std::string::npos)
      return Status(Code::kUnsupported, "the name " + Shown(name) + " cannot stand in a .wts file",
                    "it needs at least a character, and no white space");
    text += name + " " + std::to_string(tensor.count());
    for (const float number : tensor.values<float>()) {
      uint32_t bits = 0;
      std::memcpy(&bits, &number, sizeof(bits));
      text += ' ';
      for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[(bits >> shift) & 15];
    }
    text += '\n';
  }
  return text;
}

}  // namespace slipway
