// Strings split into words, as a sparse matrix: TensorFlow's StringSplit and StringSplitV2, from which ragged
// tensors are made.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  if (x && x->size() != 1) return context.Error("x is " + ToString(*x) + "; it must be [n]");
  const Dim words;
  context.SetOutput(0, DType::kI64, {words, 2});
  context.SetOutput(1, DType::kString, {words});
  context.SetOutput(2, DType::kI64, {2});
  return Status::Ok();
}

using Words = std::vector<std::string>;

// Between any of these characters, empty words left out or not.
Words BetweenAny(std::string_view text, std::string_view characters, bool skips_empty) {
  Words words;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find_first_of(characters, begin), text.size());
    if (end > begin || !skips_empty) words.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

Words Letters(std::string_view text, bool skips_empty) {
  Words words;
  for (char c : text) words.emplace_back(1, c);
  if (words.empty() && !skips_empty) words.emplace_back();
  return words;
}

// Between separators, or runs of blanks where there is none; the last word keeps what is beyond `most`
// splits.
Words Between(std::string_view text, std::string_view separator, int64_t most) {
  Words words;
  if (separator.empty()) {
    for (size_t begin = text.find_first_not_of(kBlanks); begin < text.size();) {
      const bool is_last = most >= 0 && static_cast<int64_t>(words.size()) == most;
      const size_t end = is_last ? text.size() : std::min(text.find_first_of(kBlanks, begin), text.size());
      words.emplace_back(text.substr(begin, end - begin));
      begin = text.find_first_not_of(kBlanks, end);
    }
    return words;
  }
  for (size_t begin = 0;;) {
    const bool is_last = most >= 0 && static_cast<int64_t>(words.size()) == most;
    const size_t end = is_last ? std::string_view::npos : text.find(separator, begin);
    words.emplace_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return words;
    begin = end + separator.size();
  }
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  if (context.in(1).count() != 1)
    return context.Error("the separator is " + Describe(context.in(1)) + "; it must be one");
  const std::string& separator = *context.in(1).as<std::string>();
  const bool is_any = context.attrs().Int("any_character") != 0;
  const bool skips_empty = context.attrs().Int("skip_empty") != 0;
  const int64_t most = context.attrs().Int("maxsplit");
  std::vector<std::pair<int64_t, int64_t>> places;
  Words all;
  int64_t longest = 0;
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string& text = x.as<std::string>()[i];
    Words words = !is_any             ? Between(text, separator, most > 0 ? most : -1)
                  : separator.empty() ? Letters(text, skips_empty)
                                      : BetweenAny(text, separator, skips_empty);
    longest = std::max(longest, static_cast<int64_t>(words.size()));
    for (size_t k = 0; k < words.size(); ++k) {
      places.emplace_back(i, static_cast<int64_t>(k));
      all.push_back(std::move(words[k]));
    }
  }
  const auto count = static_cast<int64_t>(all.size());
  if (context.HasOutput(0)) {
    auto* to = context.AllocateOutput(0, {count, 2}).as<int64_t>();
    for (const auto& [row, column] : places) {
      *to++ = row;
      *to++ = column;
    }
  }
  if (context.HasOutput(1))
    std::move(all.begin(), all.end(), context.AllocateOutput(1, {count}).as<std::string>());
  if (context.HasOutput(2)) {
    auto* shape = context.AllocateOutput(2, {2}).as<int64_t>();
    shape[0] = x.count();
    shape[1] = longest;
  }
  return Status::Ok();
}

Status ImportOld(ImportContext& context) {
  return context.Emit("RaggedStringSplit", {context.in(0), context.in(1)},
                      {{"any_character", int64_t{1}}, {"skip_empty", context.attrs().Int("skip_empty", 1)}});
}

}  // namespace

OpDef MakeRaggedStringSplit() {
  OpDef op;
  op.name = "RaggedStringSplit";
  op.group = "text";
  op.summary = "The words of each string, one after the other, and where each belongs.";
  op.inputs = {{"x", {DType::kString}, "[n]"},
               {"separator", {DType::kString}, "one string; empty: runs of blanks"}};
  op.outputs = {{"indices", {DType::kI64}, "[words,2]: of the string, and of the word in it"},
                {"words", {DType::kString}, "[words]"},
                {"shape", {DType::kI64}, "n, and the most words of a string"}};
  op.attrs = {
      IntAttr("maxsplit", -1, "above 0: splits of a string at most"),
      IntAttr("any_character", 0, "1: each character of the separator is one; empty: between all characters"),
      IntAttr("skip_empty", 0, "1, with any_character: leave empty words out")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kTensorflow, "StringSplit", 1, INT_MAX, ImportOld},
                {Format::kTensorflow, "StringSplitV2"}};
  return op;
}

}  // namespace slipway
