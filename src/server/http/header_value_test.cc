#include "server/http/header_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(HeaderValueTest, SplitsOutsideQuotedStrings) {
  EXPECT_THAT(SplitUnquoted(R"( a , "b,\",c" ,, d)", ','), ElementsAre("a", R"("b,\",c")", "d"));
  EXPECT_THAT(SplitUnquoted("a,\"b,c", ','), ElementsAre("a", "\"b,c"));
  EXPECT_THAT(SplitUnquoted("", ','), ElementsAre());
}

TEST(HeaderValueTest, ParsesParameters) {
  const auto value = ParseParameterizedValue(R"(form-data; Name = "a;\"b\\" ; file=C:\x.png;empty=)");
  ASSERT_TRUE(value.ok()) << value.status().ToString();
  EXPECT_EQ(value->value, "form-data");
  EXPECT_EQ(*value->Find("name"), R"(a;"b\)");
  EXPECT_EQ(*value->Find("FILE"), R"(C:\x.png)");
  EXPECT_EQ(*value->Find("empty"), "");
  EXPECT_EQ(value->Find("other"), nullptr);
}

TEST(HeaderValueTest, RefusesBrokenParameters) {
  const auto error = [](std::string_view text) { return ParseParameterizedValue(text).status().message(); };
  EXPECT_THAT(error("a; b"), HasSubstr("'b' is not name=value"));
  EXPECT_THAT(error("a; =b"), HasSubstr("'=b' is not name=value"));
  EXPECT_THAT(error("a; b=\"c"), HasSubstr("no quote at the end of '\"c'"));
  EXPECT_THAT(error("a; b=\"c\\\""), HasSubstr("no quote at the end"));
  EXPECT_THAT(error("a; b=\"c\"d"), HasSubstr("text behind the quoted string"));
  EXPECT_THAT(error("a; b=c\"d\""), HasSubstr("a quote within"));
  EXPECT_THAT(error("a; b=1; B=2"), HasSubstr("'B' is given twice"));
  std::string many = "a";
  for (int i = 0; i < 17; ++i) many += ";p" + std::to_string(i) + "=";
  EXPECT_THAT(error(many), HasSubstr("17 parameters, at most 16"));
}

TEST(HeaderValueTest, Utf8) {
  for (const std::string_view good : {"", "a", "\u00e9", "\u20ac", "\U0001F600", "\uD7FF", "\U0010FFFF"})
    EXPECT_TRUE(IsUtf8(good)) << Shown(good);
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80"})
    EXPECT_FALSE(IsUtf8(bad)) << Shown(bad);
}

TEST(HeaderValueTest, ShowsHostileTextAsShortAscii) {
  EXPECT_EQ(Shown("a\nb\xC3\xA9\x7F"), "'a%0Ab%C3%A9%7F'");
  EXPECT_EQ(Shown(std::string(61, 'x')), "'" + std::string(60, 'x') + "...'");
}

}  // namespace
}  // namespace slipway::server
