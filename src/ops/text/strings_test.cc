// Strings one by one and split into words: by hand, where tests/oracles/tensorflow_operators.py asks
// TensorFlow.
#include <gmock/gmock.h>

#include "ops/testing.h"

namespace slipway {
namespace {

using testing::HasSubstr;

Tensor Texts(const std::vector<std::string>& texts) {
  Tensor tensor(DType::kString, {static_cast<int64_t>(texts.size())});
  std::copy(texts.begin(), texts.end(), tensor.as<std::string>());
  return tensor;
}

// "<a><bc>" for strings, else as Show does.
std::string Shown(const Tensor& tensor) {
  if (tensor.dtype() != DType::kString) return Show(tensor);
  std::string text;
  for (const std::string& each : tensor.values<std::string>()) text += "<" + each + ">";
  return text;
}

// All outputs, " | " between; or the error.
std::string Results(const std::string& op, const std::vector<Tensor>& inputs, Attrs attrs = {},
                    size_t num_outputs = 1) {
  const auto results = RunOnTensors(op, inputs, std::move(attrs), num_outputs);
  if (!results.ok()) return results.status().message();
  std::string text;
  for (const Datum& result : *results) text += (text.empty() ? "" : " | ") + Shown(result.tensor);
  return text;
}

TEST(StringLower, ChangesAsciiOnly) {
  EXPECT_EQ(Results("StringLower", {Texts({"AbZ[", "\xC3\x9C"})}), "<abz[><\xC3\x9C>");
  EXPECT_EQ(Results("StringUpper", {Texts({"abz{", ""})}), "<ABZ{><>");
}

TEST(StringStrip, TakesBlanksFromBothEnds) {
  EXPECT_EQ(Results("StringStrip", {Texts({" \ta b\n", "\v \f", ""})}), "<a b><><>");
}

TEST(StringLength, CountsBytesOrCharacters) {
  EXPECT_EQ(Results("StringLength", {Texts({"a\xC3\x9C", ""})}), "i32[2]: 3 0");
  EXPECT_EQ(Results("StringLength", {Texts({"a\xC3\x9C", ""})}, {{"unit", std::string("UTF8_CHAR")}}),
            "i32[2]: 2 0");
}

TEST(Substring, CountsFromEitherEnd) {
  const auto part = [](int32_t position, int32_t length) {
    const std::vector<int32_t> from = {position}, count = {length};
    return Results("Substring", {Texts({"abcdef"}), Tensor::From<int32_t>(DType::kI32, {1}, from),
                                 Tensor::From<int32_t>(DType::kI32, {1}, count)});
  };
  EXPECT_EQ(part(1, 3), "<bcd>");
  EXPECT_EQ(part(-2, 9), "<ef>");
  EXPECT_EQ(part(6, 1), "<>");
  EXPECT_EQ(part(0, -1), "<>");
  EXPECT_EQ(part(-7, 1), "Substring 'node': position -7 is not in a string of 6 bytes");
}

TEST(RegexReplace, WritesGroups) {
  const std::vector<Tensor> text = {Texts({"hello"})};
  EXPECT_EQ(
      Results("RegexReplace", text, {{"pattern", std::string("([eo])")}, {"rewrite", std::string("<\\1>")}}),
      "<h<e>ll<o>>");
  EXPECT_EQ(Results("RegexReplace", text, {{"pattern", std::string("l")}, {"replace_global", int64_t{0}}}),
            "<helo>");
  EXPECT_THAT(Results("RegexReplace", text, {{"pattern", std::string("l")}, {"rewrite", std::string("\\1")}}),
              HasSubstr("rewrite '\\1'"));
}

TEST(RaggedStringSplit, SaysWhereWordsBelong) {
  const auto split = [](const std::string& text, const std::string& separator, Attrs attrs = {}) {
    const Tensor between = Texts({separator}).Reshaped({});
    return Results("RaggedStringSplit", {Texts({"", text}), between}, std::move(attrs), 3);
  };
  EXPECT_EQ(split(" a  b ", ""), "i64[2,2]: 1 0 1 1 | <a><b> | i64[2]: 2 2");
  EXPECT_EQ(split("a--b", "--"), "i64[3,2]: 0 0 1 0 1 1 | <><a><b> | i64[2]: 2 2");
  EXPECT_EQ(split(" a b c", "", {{"maxsplit", int64_t{1}}}), "i64[2,2]: 1 0 1 1 | <a><b c> | i64[2]: 2 2");
  const Attrs any = {{"any_character", int64_t{1}}, {"skip_empty", int64_t{1}}};
  EXPECT_EQ(split("a- b", " -", any), "i64[2,2]: 1 0 1 1 | <a><b> | i64[2]: 2 2");
  EXPECT_EQ(split("ab", "", any), "i64[2,2]: 1 0 1 1 | <a><b> | i64[2]: 2 2");
}

}  // namespace
}  // namespace slipway
