// The page's files: found, revalidated, compressed.
#include "server/assets.h"

#include <gtest/gtest.h>

#include "server/http/content_coding.h"

namespace slipway::server {
namespace {

const std::string kLong(5000, 'a');
const Asset kAssets[] = {
    {"/index.html", "<html>"}, {"/assets/app-1.js", kLong}, {"/docs/index.html", "docs"}};

Request Get(const std::string& path, const std::string& name = "X", const std::string& value = "") {
  Request request;
  request.method = "GET";
  request.path = path;
  request.headers.Add(name, value);
  return request;
}

TEST(AssetStore, PathsOfThePageAreThePage) {
  const AssetStore store(kAssets);
  EXPECT_EQ(store.Find(Get("/"))->body, "<html>");
  EXPECT_EQ(store.Find(Get("/models/a%2Fb"))->body, "<html>");
  EXPECT_EQ(store.Find(Get("/docs"))->body, "docs");
  EXPECT_EQ(store.Find(Get("/docs/"))->content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(store.Find(Get("/v2")));
  EXPECT_FALSE(store.Find(Get("/assets/")));
}

TEST(AssetStore, OnlyReadingMethodsFindIt) {
  const AssetStore store(kAssets);
  Request request = Get("/");
  request.method = "POST";
  EXPECT_FALSE(store.Find(request));
  request.method = "HEAD";
  EXPECT_TRUE(store.Find(request));
}

TEST(AssetStore, WithoutAPageThereIsNone) {
  EXPECT_FALSE(AssetStore(std::span<const Asset>()).Find(Get("/")));
}

TEST(AssetStore, LongTextsAreCompressedForThoseThatTakeIt) {
  const AssetStore store(kAssets);
  const Response coded = *store.Find(Get("/assets/app-1.js", "Accept-Encoding", "br, gzip"));
  EXPECT_EQ(coded.headers.Get("Content-Encoding"), "gzip");
  EXPECT_EQ(Decode("gzip", Body::Of(coded.body), 1 << 20)->text(), kLong);
  const Response plain = *store.Find(Get("/assets/app-1.js", "Accept-Encoding", "gzip;q=0"));
  EXPECT_EQ(plain.body, kLong);
  EXPECT_EQ(plain.headers.Get("Vary"), "Accept-Encoding");
  EXPECT_EQ(store.Find(Get("/", "Accept-Encoding", "gzip"))->body, "<html>");
}

TEST(AssetStore, WhatTheClientHasIsNotSentAgain) {
  const AssetStore store(kAssets);
  const std::string etag(store.Find(Get("/"))->headers.Get("ETag"));
  const Response same = *store.Find(Get("/", "If-None-Match", "\"x\", " + etag));
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.headers.Get("ETag"), etag);
  EXPECT_EQ(store.Find(Get("/docs/", "If-None-Match", etag))->status, 200);
  EXPECT_EQ(store.Find(Get("/", "If-None-Match", "*"))->status, 304);
}

TEST(AssetStore, FilesWhoseNamesHoldAHashAreKeptForEver) {
  const AssetStore store(kAssets);
  EXPECT_EQ(store.Find(Get("/"))->headers.Get("Cache-Control"), "no-cache");
  EXPECT_NE(store.Find(Get("/assets/app-1.js"))->headers.Get("Cache-Control").find("immutable"),
            std::string::npos);
}

TEST(AssetStore, ThePageAsksNobodyElseAndIsFramedByNobody) {
  const std::string policy(AssetStore(kAssets).Find(Get("/"))->headers.Get("Content-Security-Policy"));
  EXPECT_NE(policy.find("default-src 'self';"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
}

}  // namespace
}  // namespace slipway::server
