// Groups of words in their order, some left out between them: TFLite's SKIP_GRAM.
//
// Words are what spaces separate. Groups come as a walk in depth gives them: longer ones before what they
// begin with.
#include <algorithm>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr size_t kMaxGroups = 10'000'000;
constexpr int64_t kMaxSize = 64;

Status Infer(InferContext& context) {
  const int64_t size = context.attrs().Int("ngram_size");
  if (size < 1 || size > kMaxSize || context.attrs().Int("max_skip_size") < 0)
    return context.Error("groups of " + std::to_string(size) + " words, " +
                         std::to_string(context.attrs().Int("max_skip_size")) +
                         " left out; sizes go from 1 to " + std::to_string(kMaxSize));
  context.SetOutput(0, DType::kString, {Dim()});
  return Status::Ok();
}

std::vector<std::string> WordsOf(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(' '); at != std::string::npos;) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(' ', end);
  }
  return words;
}

class Groups {
 public:
  Groups(std::vector<std::string> words, const Attrs& attrs)
      : words_(std::move(words)),
        size_(static_cast<size_t>(attrs.Int("ngram_size"))),
        skip_(static_cast<size_t>(std::min<int64_t>(attrs.Int("max_skip_size"), INT32_MAX))),
        has_shorter_(attrs.Int("include_all_ngrams") != 0) {}

  // False: there are too many.
  bool Collect() {
    for (size_t first = 0; first < words_.size(); ++first) {
      if (!Walk(first, 1, words_[first])) return false;
    }
    return true;
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  bool Walk(size_t last, size_t length, const std::string& text) {
    const size_t behind = std::min(words_.size(), last + 2 + skip_);
    for (size_t next = last + 1; length < size_ && next < behind; ++next) {
      if (!Walk(next, length + 1, text + " " + words_[next])) return false;
    }
    if (has_shorter_ || length == size_) texts_.push_back(text);
    return texts_.size() <= kMaxGroups;
  }

  std::vector<std::string> words_;
  size_t size_, skip_;
  bool has_shorter_;
  std::vector<std::string> texts_;
};

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  if (x.count() != 1) return context.Error("x is " + Describe(x) + "; it must be one text");
  Groups groups(WordsOf(x.as<std::string>()[0]), context.attrs());
  if (!groups.Collect())
    return context.Error("there are more than " + std::to_string(kMaxGroups) + " groups of words");
  Tensor& y = context.AllocateOutput(0, {static_cast<int64_t>(groups.texts().size())});
  std::copy(groups.texts().begin(), groups.texts().end(), y.as<std::string>());
  return Status::Ok();
}

}  // namespace

OpDef MakeSkipGram() {
  OpDef op;
  op.name = "SkipGram";
  op.group = "text";
  op.summary = "All groups of words of a text, in their order, with a few words left out between neighbours.";
  op.inputs = {{"x", {DType::kString}, "one text"}};
  op.outputs = {{"y", {DType::kString}, "[groups]"}};
  op.attrs = {IntAttr("ngram_size", 1, "words of a group"),
              IntAttr("max_skip_size", 0, "words that may be left out between two"),
              IntAttr("include_all_ngrams", 0, "1: shorter groups, too")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kTflite, "SKIP_GRAM"}};
  return op;
}

}  // namespace slipway
