#include "serve/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::serve {
namespace {

using testing::HasSubstr;

TEST(UrlTest, PartsAreFound) {
  const auto url = ParseUrl("http://example:8080/v2/models?x=1#top");
  ASSERT_TRUE(url.ok()) << url.status().ToString();
  EXPECT_EQ(url->host, "example");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->target, "/v2/models?x=1");
  EXPECT_EQ(url->authority, "example:8080");
}

TEST(UrlTest, PortAndPathHaveDefaults) {
  EXPECT_EQ(ParseUrl("http://example")->port, 80);
  EXPECT_EQ(ParseUrl("http://example")->target, "/");
  EXPECT_EQ(ParseUrl("http://example?x")->target, "/?x");
}

TEST(UrlTest, BracketsOfIpv6AreNotOfTheHost) {
  const auto url = ParseUrl("http://[::1]:81/");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 81);
  EXPECT_EQ(ParseUrl("http://[::1]")->port, 80);
}

TEST(UrlTest, WrongOnesAreRefused) {
  for (const char* text :
       {"", "http://", "http:///x", "http://:80/", "https://a/", "a:80", "http://a:0/", "http://a:65536/",
        "http://a:/", "http://a:8x/", "http://[::1/", "http://[::1]8/", "http://[]/", "http://u@a/",
        "http://a/b c", "http://a/\r\nHost: b", "http://#a"}) {
    const auto url = ParseUrl(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_THAT(url.status().message(), HasSubstr(text));
  }
}

}  // namespace
}  // namespace slipway::serve
