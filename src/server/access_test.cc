// Keys, models and origins: who is let in.
#include "server/access.h"

#include <gtest/gtest.h>

namespace slipway::server {
namespace {

Request With(const char* name, const char* value) {
  Request request;
  request.method = "GET";
  request.headers.Add(name, value);
  return request;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Request WithAll(const Fields& fields, const std::string& method = "GET") {
  Request request;
  request.method = method;
  for (const auto& [name, value] : fields) request.headers.Add(name, value);
  return request;
}

TEST(Access, WithoutKeysAnybodyMayAsk) { EXPECT_TRUE(Access({}).HasKey(Request())); }

TEST(Access, AKeyComesInEitherHeader) {
  const Access access({.keys = {"one", "two"}});
  EXPECT_TRUE(access.HasKey(With("x-api-key", "two")));
  EXPECT_TRUE(access.HasKey(With("Authorization", "Bearer one")));
  EXPECT_FALSE(access.HasKey(Request()));
  EXPECT_FALSE(access.HasKey(With("X-API-Key", "on")));
  EXPECT_FALSE(access.HasKey(With("X-API-Key", "one ")));
  EXPECT_FALSE(access.HasKey(With("Authorization", "Basic one")));
}

TEST(Access, TheSchemeOfAKeyHasNoCase) {
  const Access access({.keys = {"one"}});
  EXPECT_TRUE(access.HasKey(With("Authorization", "bearer one")));
  EXPECT_TRUE(access.HasKey(With("Authorization", "BEARER  one")));
  EXPECT_FALSE(access.HasKey(With("Authorization", "Bearer ONE")));
  EXPECT_FALSE(access.HasKey(With("Authorization", "Bearerone")));
}

TEST(Access, AnEmptyKeyOpensNothing) {
  const Access access({.keys = {""}});
  EXPECT_FALSE(access.HasKey(Request()));
  EXPECT_FALSE(access.HasKey(With("X-API-Key", "")));
  EXPECT_FALSE(access.HasKey(With("Authorization", "Bearer ")));
}

TEST(Access, HostsAreAddressesLocalhostAndTheNamesGiven) {
  const Access access({.hosts = std::vector<std::string>{"models.example"}});
  for (const char* host : {"localhost", "LOCALHOST:8000", "127.0.0.1", "192.168.0.7:8000", "[::1]",
                           "[::1]:8000", "models.example", "Models.Example:443"})
    EXPECT_TRUE(access.IsKnownHost(With("Host", host))) << host;
  for (const char* host :
       {"attacker.example", "attacker.example:8000", "localhost.attacker.example", "127.0.0.1.nip.io",
        "x.models.example", "[::1", "[attacker.example]", "1.2.3", "@localhost"})
    EXPECT_FALSE(access.IsKnownHost(With("Host", host))) << host;
  EXPECT_TRUE(access.IsKnownHost(Request()));
  EXPECT_TRUE(Access({}).IsKnownHost(With("Host", "attacker.example")));
}

TEST(Access, ModelsThatAreNotListedAreNotGivenOut) {
  const Access access({.models = {"a"}});
  EXPECT_TRUE(access.MayUse("a"));
  EXPECT_TRUE(access.MayUse(""));
  EXPECT_FALSE(access.MayUse("b"));
  EXPECT_TRUE(Access({}).MayUse("b"));
}

TEST(Access, PagesElsewhereReadNothingUnlessTheyMay) {
  const Request request = With("Origin", "https://a.example");
  Response none, one, other;
  Access({}).AddCors(request, none);
  EXPECT_FALSE(none.headers.Has("Access-Control-Allow-Origin"));
  Access({.cors_origin = "https://a.example"}).AddCors(request, one);
  EXPECT_EQ(one.headers.Get("Access-Control-Allow-Origin"), "https://a.example");
  Access({.cors_origin = "https://b.example"}).AddCors(request, other);
  EXPECT_FALSE(other.headers.Has("Access-Control-Allow-Origin"));
}

TEST(Access, APreflightIsAnsweredOnlyToThoseWhoMay) {
  Request request = With("Origin", "https://a.example");
  request.method = "OPTIONS";
  request.headers.Add("Access-Control-Request-Method", "POST");
  EXPECT_TRUE(Access({.cors_origin = "*"}).IsPreflight(request));
  EXPECT_FALSE(Access({}).IsPreflight(request));
}

// The expected texts are Python's base64.urlsafe_b64encode(key).rstrip(b"=").
TEST(Access, AWebSocketBringsItsKeyAsASubprotocol) {
  const Access access({.keys = {"se?cret>~", "ab", "x"}});
  const auto has_key = [&](const std::string& protocols) {
    return access.HasKey(WithAll({{"Upgrade", "WebSocket"}, {"Sec-WebSocket-Protocol", protocols}}));
  };
  EXPECT_TRUE(has_key("slipway.frames, slipway.key.c2U_Y3JldD5-"));
  EXPECT_TRUE(has_key("slipway.key.YWI"));
  EXPECT_TRUE(has_key("slipway.key.eA"));
  EXPECT_FALSE(has_key("slipway.frames"));
  EXPECT_FALSE(has_key("slipway.key."));
  EXPECT_FALSE(has_key("slipway.key.YWI="));
  EXPECT_FALSE(has_key("slipway.key.YWJj"));
}

TEST(Access, PlainRequestsBringNoSubprotocol) {
  const Access access({.keys = {"ab"}});
  EXPECT_FALSE(access.HasKey(WithAll({{"Sec-WebSocket-Protocol", "slipway.key.YWI"}})));
}

TEST(Access, PagesElsewhereMayNotPost) {
  const Access access({});
  const auto may_post = [&](const Fields& fields) { return access.IsOfAllowedPage(WithAll(fields, "POST")); };
  EXPECT_TRUE(may_post({}));
  EXPECT_TRUE(may_post({{"Host", "localhost:8000"}, {"Origin", "http://localhost:8000"}}));
  EXPECT_FALSE(may_post({{"Host", "localhost:8000"}, {"Origin", "http://localhost:3000"}}));
  EXPECT_FALSE(may_post({{"Host", "localhost:8000"}, {"Origin", "null"}}));
  EXPECT_TRUE(access.IsOfAllowedPage(WithAll({{"Host", "a"}, {"Origin", "http://b"}})));
}

TEST(Access, PagesElsewhereMayOpenNoWebSocket) {
  const Access access({});
  EXPECT_FALSE(
      access.IsOfAllowedPage(WithAll({{"Upgrade", "websocket"}, {"Host", "a:1"}, {"Origin", "http://b"}})));
  EXPECT_TRUE(
      access.IsOfAllowedPage(WithAll({{"Upgrade", "websocket"}, {"Host", "a:1"}, {"Origin", "http://A:1"}})));
}

TEST(Access, TheBrowsersJudgementCountsBehindAProxy) {
  const Access access({});
  const auto may_post = [&](const char* site, const char* origin) {
    return access.IsOfAllowedPage(
        WithAll({{"Host", "inside"}, {"Origin", origin}, {"Sec-Fetch-Site", site}}, "POST"));
  };
  EXPECT_TRUE(may_post("same-origin", "https://outside"));
  EXPECT_FALSE(may_post("same-site", "https://other.outside"));
  EXPECT_FALSE(may_post("cross-site", "http://inside"));
}

TEST(Access, AllowedOriginsMayPost) {
  const Access access({.cors_origin = "https://page"});
  EXPECT_TRUE(access.IsOfAllowedPage(
      WithAll({{"Host", "a"}, {"Origin", "https://page"}, {"Sec-Fetch-Site", "cross-site"}}, "POST")));
  EXPECT_FALSE(access.IsOfAllowedPage(WithAll({{"Host", "a"}, {"Origin", "https://else"}}, "POST")));
}

}  // namespace
}  // namespace slipway::server
