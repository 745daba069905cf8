#include "server/http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(PercentDecodeTest, DecodesBytes) {
  EXPECT_EQ(*PercentDecode("a%2fb%2Fc+%25%C3%A9"), "a/b/c+%\u00e9");
  EXPECT_EQ(*PercentDecode(""), "");
}

TEST(PercentDecodeTest, RefusesBrokenEscapes) {
  for (const char* text : {"%", "a%2", "%g1", "%1g", "%%41", "% 41", "%-1", "%+1", "%0x41"})
    EXPECT_THAT(PercentDecode(text).status().message(), HasSubstr("no two hex digits")) << text;
}

TEST(PercentDecodeTest, RefusesNulAndWhatIsNoUtf8) {
  EXPECT_THAT(PercentDecode("a%00b").status().message(), HasSubstr("a NUL byte in 'a%00b'"));
  EXPECT_THAT(PercentDecode(std::string_view("a\0b", 3)).status().message(), HasSubstr("a NUL byte"));
  EXPECT_THAT(PercentDecode("%C3%28").status().message(), HasSubstr("is not UTF-8"));
  EXPECT_THAT(PercentDecode("\xFF").status().message(), HasSubstr("'%FF' is not UTF-8"));
}

TEST(SplitPathTest, DecodesSegmentsAfterTheCut) {
  EXPECT_THAT(*SplitPath("/v2/models/a%2Fb/infer"), ElementsAre("v2", "models", "a/b", "infer"));
  EXPECT_THAT(*SplitPath("/v2/"), ElementsAre("v2"));
  EXPECT_THAT(*SplitPath("/..."), ElementsAre("..."));
  EXPECT_THAT(*SplitPath("/"), ElementsAre());
}

TEST(SplitPathTest, RefusesWhatNamesNothing) {
  for (const char* path :
       {"", "v2", "*", "//", "/a//b", "/a//", "/.", "/../etc", "/a/%2e%2E/b", "/%2e", "/a%", "/%00"})
    EXPECT_EQ(SplitPath(path).status().code(), Code::kUsage) << path;
}

TEST(QueryTest, DecodesNamesAndValues) {
  const Query query = *Query::Parse("&a+b=c+d%2B&e&f=%26=&&");
  EXPECT_THAT(query.parameters(), ElementsAre(Pair("a b", "c d+"), Pair("e", ""), Pair("f", "&=")));
  EXPECT_EQ(query.Text("e"), "");
  EXPECT_EQ(query.Text("g"), std::nullopt);
}

TEST(QueryTest, RefusesWhatIsAmbiguousOrBroken) {
  const auto error = [](std::string_view text) { return Query::Parse(text).status().message(); };
  EXPECT_THAT(error("a=1&%61=2"), HasSubstr("'a' is given twice"));
  EXPECT_THAT(error("=1"), HasSubstr("'=1' has no name"));
  EXPECT_THAT(error("a=%zz"), HasSubstr("no two hex digits"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "p" + std::to_string(i) + "&";
  EXPECT_THAT(error(many), HasSubstr("more than 64 parameters"));
}

TEST(QueryTest, Numbers) {
  const Query query = *Query::Parse("t=0.25&k=5&low=-1&high=1");
  EXPECT_EQ(*query.Number("t", 0, 1), 0.25);
  EXPECT_EQ(*query.Number("low", -1, 1), -1);
  EXPECT_EQ(*query.Number("high", -1, 1), 1);
  EXPECT_EQ(*query.Number("absent", 0, 1), std::nullopt);
  EXPECT_EQ(*query.Integer("k", 5, 5), 5);
  EXPECT_EQ(*query.Integer("absent", 0, 1), std::nullopt);
}

TEST(QueryTest, NumbersOutOfRangeOrNone) {
  EXPECT_EQ(Query::Parse("t=1.5")->Number("t", 0, 1).status().message(),
            "query parameter 't' is '1.5', not a number from 0 to 1");
  for (const char* text : {"t=nan", "t=inf", "t=1e999", "t=", "t=0.5x", "t=+0.5", "t=0x1", "t=%200"})
    EXPECT_FALSE(Query::Parse(text)->Number("t", 0, 1).ok()) << text;
  for (const char* text : {"t=1.0", "t=99999999999999999999", "t=-1", "t=11", "t=", "t=1+"})
    EXPECT_FALSE(Query::Parse(text)->Integer("t", 0, 10).ok()) << text;
  EXPECT_EQ(Query::Parse("t=7 ")->Integer("t", 0, 5).status().message(),
            "query parameter 't' is '7 ', not a whole number from 0 to 5");
}

TEST(QueryTest, Choices) {
  constexpr std::array<std::string_view, 2> kKinds = {"json", "png"};
  const Query query = *Query::Parse("as=png&to=gif");
  EXPECT_EQ(*query.Choice("as", kKinds), "png");
  EXPECT_EQ(*query.Choice("absent", kKinds), std::nullopt);
  EXPECT_EQ(query.Choice("to", kKinds).status().message(),
            "query parameter 'to' is 'gif', not one of json, png");
}

TEST(QueryTest, UnknownNamesAreToldWithTheKnown) {
  constexpr std::array<std::string_view, 2> kKnown = {"threshold", "top_k"};
  const Query query = *Query::Parse("treshold=1&top_k=2&x");
  EXPECT_THAT(query.Unknown(kKnown), ElementsAre("treshold", "x"));
  const Status status = query.CheckNames(kKnown);
  EXPECT_EQ(status.message(), "query parameter 'treshold' is unknown");
  EXPECT_EQ(status.hint(), "known here: threshold, top_k");
  EXPECT_TRUE(Query::Parse("top_k=1")->CheckNames(kKnown).ok());
}

}  // namespace
}  // namespace slipway::server
