#include "server/http/accept.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace slipway::server {
namespace {

constexpr std::array<std::string_view, 3> kOffers = {"application/json", "image/jpeg", "image/png"};

TEST(AcceptTest, TheFirstOfferWithoutAHeader) {
  EXPECT_EQ(Negotiate("", kOffers), "application/json");
  EXPECT_EQ(Negotiate(" , ,", kOffers), "application/json");
  EXPECT_EQ(Negotiate("*/*", kOffers), "application/json");
  EXPECT_EQ(Negotiate("", {}), "");
}

TEST(AcceptTest, TheHeaviestWins) {
  EXPECT_EQ(Negotiate("application/json;q=0.5, image/png;q=0.9, image/jpeg;q=0.8", kOffers), "image/png");
  EXPECT_EQ(Negotiate("IMAGE/PNG", kOffers), "image/png");
  EXPECT_EQ(Negotiate("image/png; version=\"1,2;q=0\" ; q=0.9, image/jpeg;q=0.8", kOffers), "image/png");
}

TEST(AcceptTest, OfEqualsTheFirstOfferWins) {
  EXPECT_EQ(Negotiate("image/png, image/jpeg", kOffers), "image/jpeg");
  EXPECT_EQ(Negotiate("text/html,application/xml;q=0.9,image/avif,image/webp,image/*,*/*;q=0.8", kOffers),
            "image/jpeg");
}

TEST(AcceptTest, TheClosestRangeDecides) {
  EXPECT_EQ(Negotiate("image/jpeg;q=0, image/*", kOffers), "image/png");
  EXPECT_EQ(Negotiate("image/*;q=0, */*;q=0.1", kOffers), "application/json");
  EXPECT_EQ(Negotiate("imag/*, image/, */png", kOffers), "");
}

TEST(AcceptTest, NothingFits) {
  EXPECT_EQ(Negotiate("text/html", kOffers), "");
  EXPECT_EQ(Negotiate("*/*;q=0", kOffers), "");
  EXPECT_EQ(Negotiate("image/png;q=0.000", kOffers), "");
}

TEST(AcceptTest, BrokenWeightsArePassedOver) {
  for (const std::string weight : {"2", "-1", "nan", "inf", "1e0", "0.5x", "", "high"})
    EXPECT_EQ(Negotiate("application/json;q=" + weight + ", image/png;q=0.1", kOffers), "image/png")
        << weight;
}

}  // namespace
}  // namespace slipway::server
