#include "server/models/pbtxt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::server::pbtxt {
namespace {

using testing::HasSubstr;

// "a=1 b={c='x'}": what was read, on one line.
std::string Dump(const Message& message) {
  std::string text;
  for (const Field& field : message.fields) {
    text += (text.empty() ? "" : " ") + field.name + "=";
    if (field.kind == Kind::kMessage) text += "{" + Dump(field.message) + "}";
    if (field.kind == Kind::kString) text += "'" + field.text + "'";
    if (field.kind == Kind::kWord) text += "word " + field.text;
    if (field.kind == Kind::kNumber) text += field.text;
    if (field.kind == Kind::kEmptyList) text += "[]";
  }
  return text;
}

std::string Read(std::string_view text) {
  const auto message = Parse(text, "f");
  return message.ok() ? Dump(*message) : message.status().message();
}

std::string Repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(PbtxtTest, ReadsEveryFormOfMessage) {
  EXPECT_EQ(Read("a { b: 1 } c: { d: 2 } e < f: 3 > g {}"), "a={b=1} c={d=2} e={f=3} g={}");
}

TEST(PbtxtTest, ListsAreRepeatedFields) {
  EXPECT_EQ(Read("a: [1, 2] a: 3 b [ { c: 1 }, { c: 2 } ] d: []"), "a=1 a=2 a=3 b={c=1} b={c=2} d=[]");
}

TEST(PbtxtTest, CommentsAndSeparatorsAreSkipped) {
  EXPECT_EQ(Read("\xEF\xBB\xBF# head\na: 1, # behind\nb: 2; c: X # the end"), "a=1 b=2 c=word X");
}

TEST(PbtxtTest, KnowsNumbersFromWords) {
  EXPECT_EQ(Read("a: -5 a: 0x1F a: 017 a: 1.5e-3 a: .5f a: 2. a: -inf a: inf a: - 7"),
            "a=-5 a=0x1F a=017 a=1.5e-3 a=.5f a=2. a=-inf a=word inf a=-7");
  for (const char* bad : {"08", "0x", "1e", "1.2.3", "12ab", "-x", "0xG", "1.e+"}) {
    EXPECT_THAT(Read("a: " + std::string(bad)), HasSubstr("is no number, for 'a'")) << bad;
  }
}

TEST(PbtxtTest, StringsHaveEscapesAndJoin) {
  EXPECT_EQ(Read(R"(a: "x\n\"\101\x42\?" 'y"' "\u00e9\U0001F600")"), "a='x\n\"AB?y\"\u00e9\U0001F600'");
}

TEST(PbtxtTest, BadStringsAreRefused) {
  EXPECT_EQ(Read("a: \"x"), "f:1:6: a string has no closing quote");
  EXPECT_EQ(Read("a: \"x\ny\""), "f:1:6: a string ends with its line: a closing quote is missing");
  for (const char* bad :
       {R"("\q")", R"("\400")", R"("\x")", R"("\u12")", R"("\ud800")", R"("\U00110000")", "\"\\"}) {
    EXPECT_THAT(Read("a: " + std::string(bad)), HasSubstr("bad escape")) << bad;
  }
}

TEST(PbtxtTest, FieldsKnowLineAndColumn) {
  const auto message = Parse("a: 1\n# x\n  b {\n\n c: [7,\n   8] }", "f");
  const Field& b = message->fields[1];
  EXPECT_EQ(b.line, 3);
  EXPECT_EQ(b.column, 3);
  EXPECT_EQ(b.message.fields[1].line, 6);
  EXPECT_EQ(b.message.fields[1].column, 4);
}

TEST(PbtxtTest, ErrorsSayWhereAndWhat) {
  EXPECT_EQ(Read("a: 1\n  b 2"), "f:2:5: ':' or '{' is wanted after 'b', found '2'");
  EXPECT_EQ(Read("a {\n b: 1"), "f:2:6: the file ends within the message that line 1 opens");
  EXPECT_EQ(Read("a { b: 1 >"), "f:1:10: a field's name is wanted, found '>'");
  EXPECT_EQ(Read("a: [1, 2"), "f:1:9: ',' or ']' is wanted in 'a', found the end of the file");
  EXPECT_EQ(Read("a: [1,]"), "f:1:7: a value of 'a' is wanted, found ']'");
  EXPECT_EQ(Read("a:"), "f:1:3: a value of 'a' is wanted, found the end of the file");
  EXPECT_EQ(Read("[x.y]: 1"), "f:1:1: a field's name is wanted, found '['");
  EXPECT_EQ(Read("1a: 1"), "f:1:1: a field's name is wanted, found '1'");
  EXPECT_EQ(Read("a: 1;; b: 2"), "f:1:6: a field's name is wanted, found ';'");
  EXPECT_EQ(Read(std::string_view("a: \0", 4)), "f:1:4: a value of 'a' is wanted, found byte 0");
}

TEST(PbtxtTest, DepthSizeAndCountsAreBounded) {
  EXPECT_EQ(Read(Repeated("a{", kMaxDepth) + Repeated("}", kMaxDepth)).substr(0, 4), "a={a");
  EXPECT_THAT(Read(Repeated("a{", 100'000)), HasSubstr("nest deeper than 32"));
  EXPECT_THAT(Read("a: [1" + Repeated(",1", 70'000) + "]"), HasSubstr("more than 65536 fields"));
  EXPECT_THAT(Read(Repeated("a", 300) + ": [1, 2]"), HasSubstr("longer than 256 bytes"));
  EXPECT_THAT(Read(Repeated(" ", (1 << 20) + 1)), HasSubstr("has 1048577 bytes, the limit is 1048576"));
}

TEST(PbtxtTest, EveryPrefixIsReadOrRefused) {
  const std::string text = "a { b: [1, 2] c: \"x\\n\" } d: X";
  for (size_t size = 0; size < text.size(); ++size) {
    const bool is_whole = size == 0 || size == 24 || size == 25;
    EXPECT_EQ(Parse(text.substr(0, size), "f").ok(), is_whole) << text.substr(0, size);
  }
}

}  // namespace
}  // namespace slipway::server::pbtxt
