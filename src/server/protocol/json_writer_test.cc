#include "server/protocol/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace slipway::server {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

TEST(JsonWriterTest, SetsCommas) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  json.Key("a");
  json.BeginArray();
  json.Integer(1);
  json.BeginArray();
  json.EndArray();
  json.BeginObject();
  json.EndObject();
  json.Null();
  json.EndArray();
  json.Key("b");
  json.Bool(true);
  json.Key("c");
  json.Raw("{\"d\":2}");
  json.Key("e");
  json.String("f");
  json.EndObject();
  EXPECT_EQ(out, R"({"a":[1,[],{},null],"b":true,"c":{"d":2},"e":"f"})");
}

TEST(JsonWriterTest, EndsOfTheIntegers) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray();
  json.Integer(std::numeric_limits<int64_t>::min());
  json.Integer(std::numeric_limits<uint64_t>::max());
  json.Integer(int8_t{-7});
  json.Integer(uint8_t{65});
  json.EndArray();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,-7,65]");
}

TEST(JsonWriterTest, RealsAreShortAndExact) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray();
  json.Real(0.1F);
  json.Real(0.1);
  json.Real(-1.0F);
  json.Real(std::numeric_limits<double>::max());
  json.Real(std::numeric_limits<float>::denorm_min());
  json.EndArray();
  EXPECT_EQ(out, "[0.1,0.1,-1,1.7976931348623157e+308,1e-45]");
}

TEST(JsonWriterTest, WhatIsNoNumberIsWrittenAsPythonDoes) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray();
  json.Real(std::nanf(""));
  json.Real(std::numeric_limits<double>::infinity());
  json.Real(-std::numeric_limits<float>::infinity());
  json.EndArray();
  EXPECT_EQ(out, "[NaN,Infinity,-Infinity]");
}

TEST(JsonWriterTest, EscapesWhatJsonReserves) {
  EXPECT_EQ(Quoted(std::string_view("a\"\\\n\t\0\x1f/\x7f", 9)), "\"a\\\"\\\\\\n\\t\\u0000\\u001f/\x7f\"");
}

TEST(JsonWriterTest, KeepsUtf8) {
  const std::string text = "\u00e9\u20ac\U0001F600";
  EXPECT_EQ(Quoted(text), '"' + text + '"');
}

TEST(JsonWriterTest, ReplacesWhatIsNoUtf8) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(Quoted("a\xFF"
                   "b"),
            "\"a" + bad + "b\"");
  EXPECT_EQ(Quoted("\xE2\x82"), '"' + bad + bad + '"') << "cut short";
  EXPECT_EQ(Quoted("\xC0\x80"), '"' + bad + bad + '"') << "too long a form";
  EXPECT_EQ(Quoted("\xED\xA0\x80"), '"' + bad + bad + bad + '"') << "a surrogate";
  EXPECT_EQ(Quoted("\xF4\x90\x80\x80"), '"' + bad + bad + bad + bad + '"') << "beyond U+10FFFF";
}

}  // namespace
}  // namespace slipway::server
