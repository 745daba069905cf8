#include "server/protocol/json_data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

#include "server/protocol/datatype.h"
#include "server/protocol/error.h"
#include "server/protocol/json_string.h"

namespace slipway::server {
namespace {

constexpr int kMaxDepth = 64;  // more axes than any tensor has

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Walks over the elements of an array that may be nested.
class ElementWalker {
 public:
  enum class Step { kElement, kEnd, kBroken, kTooDeep };

  explicit ElementWalker(std::string_view array) : at_(array.data()), end_(at_ + array.size()) {}

  // Moves on to where the next element starts. It is the caller's to read, and to MoveTo its end.
  Step Next();
  void MoveTo(const char* at) { at_ = at; }

  const char* at() const { return at_; }
  const char* end() const { return end_; }

 private:
  void SkipSpace() {
    while (at_ != end_ && IsSpace(*at_)) ++at_;
  }
  Step EndOfAll() {
    SkipSpace();
    return at_ == end_ ? Step::kEnd : Step::kBroken;
  }

  const char* at_;
  const char* end_;
  int depth_ = 0;
  bool expects_value_ = true;  // else a comma or the end of an array
};

ElementWalker::Step ElementWalker::Next() {
  for (;;) {
    SkipSpace();
    if (at_ == end_) return Step::kBroken;
    const char c = *at_;
    if (expects_value_ && c != '[') {
      expects_value_ = false;
      return depth_ == 0 ? Step::kBroken : Step::kElement;
    }
    ++at_;
    if (c == '[') {
      if (!expects_value_) return Step::kBroken;
      if (++depth_ > kMaxDepth) return Step::kTooDeep;
      SkipSpace();
      expects_value_ = at_ == end_ || *at_ != ']';  // an empty array has no value to wait for
    } else if (c == ',') {
      expects_value_ = true;
    } else if (c != ']') {
      return Step::kBroken;
    } else if (--depth_ == 0) {
      return EndOfAll();
    }
  }
}

// --- one element: the end of what was read, null where that is none of its type or does not fit ---

const char* ReadWord(const char* at, const char* end, std::string_view word) {
  return std::string_view(at, static_cast<size_t>(end - at)).starts_with(word) ? at + word.size() : nullptr;
}

const char* ReadBool(const char* at, const char* end, bool& value) {
  value = *at == 't';
  return ReadWord(at, end, value ? "true" : "false");
}

// JSON has numbers start with a digit, and with no 0 before another: std::from_chars is content with less.
bool StartsNumber(const char* at, const char* end) {
  if (at != end && *at == '-') ++at;
  if (at == end || !IsDigit(*at)) return false;
  return *at != '0' || at + 1 == end || !IsDigit(at[1]);
}

template <class T>
const char* ReadInteger(const char* at, const char* end, T& value) {
  if (!StartsNumber(at, end)) return nullptr;
  const auto [next, error] = std::from_chars(at, end, value);
  if (error != std::errc()) return nullptr;
  const bool is_real = next != end && (*next == '.' || *next == 'e' || *next == 'E');
  return is_real ? nullptr : next;
}

template <class T>
const char* ReadSpecial(const char* at, const char* end, T& value) {
  value = std::numeric_limits<T>::quiet_NaN();
  if (const char* next = ReadWord(at, end, "NaN")) return next;
  value = std::numeric_limits<T>::infinity();
  if (const char* next = ReadWord(at, end, "Infinity")) return next;
  value = -value;
  return ReadWord(at, end, "-Infinity");
}

// What lies outside of FP32: rounded where it is too small, refused where it is too large.
const char* ReadSmall(const char* at, const char* end, float& value) {
  double exact = 0;
  const auto [next, error] = std::from_chars(at, end, exact);
  value = static_cast<float>(exact);
  return error == std::errc() && std::isfinite(value) ? next : nullptr;
}
const char* ReadSmall(const char*, const char*, double&) { return nullptr; }

template <class T>
const char* ReadReal(const char* at, const char* end, T& value) {
  if (!StartsNumber(at, end)) return ReadSpecial(at, end, value);
  const auto [next, error] = std::from_chars(at, end, value);
  const char* after = error == std::errc::result_out_of_range ? ReadSmall(at, end, value) : next;
  if (after == nullptr || after[-1] == '.') return nullptr;
  return after;
}

const char* ReadString(const char* at, const char* end, std::string& value) {
  const size_t size = ReadJsonString({at, static_cast<size_t>(end - at)}, value);
  return size == 0 ? nullptr : at + size;
}

// --- all elements ---

Status Bad(std::string message, std::string hint = {}) {
  return {Code::kInvalidInput, std::move(message), std::move(hint)};
}

Status WrongCount(const Dims& dims, const std::string& found) {
  return Bad("shape " + ToString(dims) + " holds " + std::to_string(CountOf(dims)) + " elements, data has " +
             found);
}

Status BadElement(int64_t i, DType dtype, const ElementWalker& walker) {
  const auto is_end = [](char c) { return IsSpace(c) || c == ',' || c == ']'; };
  // Strings may be long, and what is shown of them is short.
  const char* limit = walker.at() + std::min<ptrdiff_t>(walker.end() - walker.at(), 100);
  const std::string_view text(walker.at(), std::find_if(walker.at(), limit, is_end));
  return Bad("data[" + std::to_string(i) + "] is " + Quoted(text) + ", which is no " +
             std::string(DatatypeOf(dtype)));
}

Status BadArray(ElementWalker::Step step, int64_t i) {
  if (step == ElementWalker::Step::kTooDeep)
    return Bad("data is nested more than " + std::to_string(kMaxDepth) + " deep");
  return Bad("data is no array of elements and arrays behind element " + std::to_string(i));
}

template <class T, class Read>
Result<Tensor> ReadElements(std::string_view array, DType dtype, Dims dims, Read read) {
  const int64_t count = CountOf(dims);
  // An element and its comma take two characters: nothing is allocated for those that can't be there.
  if (count > static_cast<int64_t>(array.size() / 2)) return WrongCount(dims, "fewer");
  Tensor tensor(dtype, std::move(dims));
  T* elements = tensor.as<T>();
  ElementWalker walker(array);
  int64_t i = 0;
  for (auto step = walker.Next(); step != ElementWalker::Step::kEnd; step = walker.Next()) {
    if (step != ElementWalker::Step::kElement) return BadArray(step, i);
    if (i == count) return WrongCount(tensor.dims(), "more");
    const char* end = read(walker.at(), walker.end(), elements[i]);
    if (end == nullptr) return BadElement(i, dtype, walker);
    walker.MoveTo(end);
    ++i;
  }
  if (i != count) return WrongCount(tensor.dims(), std::to_string(i));
  return tensor;
}

template <class T>
Result<Tensor> ReadNumbers(std::string_view array, DType dtype, Dims dims) {
  if constexpr (std::is_floating_point_v<T>) {
    return ReadElements<T>(array, dtype, std::move(dims), ReadReal<T>);
  } else {
    return ReadElements<T>(array, dtype, std::move(dims), ReadInteger<T>);
  }
}

}  // namespace

Result<Tensor> TensorFromJson(std::string_view array, DType dtype, Dims dims) {
  const auto count = ElementCount(dims);
  if (!count.ok()) return Bad(count.status().message());
  switch (dtype) {
    case DType::kBool: return ReadElements<bool>(array, dtype, std::move(dims), ReadBool);
    case DType::kString: return ReadElements<std::string>(array, dtype, std::move(dims), ReadString);
    case DType::kF32: return ReadNumbers<float>(array, dtype, std::move(dims));
    case DType::kF64: return ReadNumbers<double>(array, dtype, std::move(dims));
    case DType::kI8: return ReadNumbers<int8_t>(array, dtype, std::move(dims));
    case DType::kI16: return ReadNumbers<int16_t>(array, dtype, std::move(dims));
    case DType::kI32: return ReadNumbers<int32_t>(array, dtype, std::move(dims));
    case DType::kI64: return ReadNumbers<int64_t>(array, dtype, std::move(dims));
    case DType::kU8: return ReadNumbers<uint8_t>(array, dtype, std::move(dims));
    case DType::kU16: return ReadNumbers<uint16_t>(array, dtype, std::move(dims));
    case DType::kU32: return ReadNumbers<uint32_t>(array, dtype, std::move(dims));
    case DType::kU64: return ReadNumbers<uint64_t>(array, dtype, std::move(dims));
    default: return Bad(std::string(DatatypeOf(dtype)) + " has no form in JSON", "send it as binary data");
  }
}

}  // namespace slipway::server
