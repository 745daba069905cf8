// Paths find their endpoints, and what they lack is told.
#include "server/endpoints/router.h"

#include <gtest/gtest.h>

#include "server/endpoints/endpoints.h"
#include "server/http/url.h"

namespace slipway::server {
namespace {

RouteMatch Find(const char* method, const char* path) { return FindRoute(method, *SplitPath(path)); }

TEST(Router, FindsModelsAndVersions) {
  const RouteMatch match = Find("POST", "/v2/models/a%2Fb/versions/12/infer");
  EXPECT_EQ(match.endpoint, Infer);
  EXPECT_EQ(match.model, "a/b");
  EXPECT_EQ(match.version, "12");
  EXPECT_EQ(match.pace, Pace::kFast);
}

TEST(Router, AModelMayBeCalledLikeAWordOfThePath) {
  EXPECT_EQ(Find("GET", "/v2/models/stats").endpoint, AllStatistics);
  EXPECT_EQ(Find("GET", "/v2/models/stats/stats").endpoint, ModelStatistics);
  EXPECT_EQ(Find("POST", "/v2/models/infer/infer").model, "infer");
}

TEST(Router, VersionsAreNumbers) {
  EXPECT_EQ(Find("GET", "/v2/models/m/versions/latest").endpoint, nullptr);
  EXPECT_EQ(Find("GET", "/v2/models/m/versions/99999999999999999999").endpoint, nullptr);
  EXPECT_EQ(Find("GET", "/v2/models/m/versions/3").endpoint, ModelMetadata);
}

TEST(Router, LoadingIsSlow) { EXPECT_EQ(Find("POST", "/v2/repository/models/m/load").pace, Pace::kSlow); }

TEST(Router, HeadIsAnsweredAsGet) { EXPECT_EQ(Find("HEAD", "/v2/health/live").endpoint, ServerLive); }

TEST(Router, OtherMethodsAreToldWhichThereAre) {
  const RouteMatch match = Find("DELETE", "/v2/models/m/infer");
  EXPECT_EQ(match.endpoint, nullptr);
  EXPECT_EQ(match.allowed, "POST");
  EXPECT_EQ(Find("POST", "/v2").allowed, "GET, HEAD");
}

TEST(Router, UnknownPathsHaveNoMethods) {
  for (const char* path : {"/", "/v3", "/v2/models", "/v2/models/m/infer/more", "/v2/health"}) {
    EXPECT_EQ(Find("GET", path).endpoint, nullptr) << path;
    EXPECT_EQ(Find("GET", path).allowed, "") << path;
  }
}

}  // namespace
}  // namespace slipway::server
