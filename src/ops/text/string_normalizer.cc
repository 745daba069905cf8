// Drops stop words and changes case. Case of ASCII letters only: full Unicode case needs tables, which are
// left out.
#include <algorithm>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Type type = Type::OfUnknownShape(DType::kString);
  if (context.shape(0)) {
    const size_t rank = context.shape(0)->size();
    if (rank != 1 && rank != 2) return context.Error("x must be [C] or [1,C]");
    type.shape = *context.shape(0);
    type.shape->back() = Dim();
  }
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

std::string WithCase(std::string text, const std::string& action) {
  for (char& c : text) {
    if (action == "LOWER" && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (action == "UPPER" && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const std::string& action = context.attrs().String("case_change_action");
  const bool is_exact = context.attrs().Int("is_case_sensitive") != 0;
  const auto key = [&](const std::string& text) { return is_exact ? text : WithCase(text, "LOWER"); };
  Strings stop_words;
  for (const std::string& word : context.attrs().StringList("stopwords")) stop_words.push_back(key(word));
  Strings kept;
  for (const std::string& text : x.values<std::string>()) {
    if (std::find(stop_words.begin(), stop_words.end(), key(text)) != stop_words.end()) continue;
    kept.push_back(WithCase(text, action));
  }
  if (kept.empty()) kept.emplace_back();
  Dims dims = x.dims();
  dims.back() = static_cast<int64_t>(kept.size());
  Tensor& y = context.AllocateOutput(0, dims);
  std::copy(kept.begin(), kept.end(), y.as<std::string>());
  return Status::Ok();
}

}  // namespace

OpDef MakeStringNormalizer() {
  OpDef op;
  op.name = "StringNormalizer";
  op.group = "text";
  op.summary = "Drops stop words and changes the case of the others; one empty string when none is left.";
  op.inputs = {{"x", {DType::kString}, "[C] or [1,C]"}};
  op.outputs = {{"y", {DType::kString}, "[kept] or [1,kept]"}};
  op.attrs = {StringAttr("case_change_action", "NONE", {"NONE", "LOWER", "UPPER"}, "ASCII letters"),
              IntAttr("is_case_sensitive", 0, "1: stop words must match in case"),
              StringsAttr("stopwords", {}, "what is dropped"), StringAttr("locale", "", {}, "not used")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "StringNormalizer"}};
  return op;
}

}  // namespace slipway
