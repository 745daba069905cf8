#include "server/http/content_coding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <limits>

namespace slipway::server {
namespace {

using testing::HasSubstr;

constexpr size_t kPlenty = 1 << 20;

Body Coded(Coding coding, std::string_view text) { return Body::Of(*Encode(coding, text)); }

// Deflate without zlib's header and checksum.
Body Raw(std::string_view text) {
  const std::string wrapped = *Encode(Coding::kDeflate, text);
  return Body::Of(std::string_view(wrapped).substr(2, wrapped.size() - 6));
}

std::string Numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i % 1000 * i % 10007) + ",";
  return text;
}

TEST(ContentCodingTest, RoundTrips) {
  for (const std::string& text :
       {std::string(), std::string("a"), Numbers(100'000), std::string(1 << 20, 'x')}) {
    for (const Coding coding : {Coding::kIdentity, Coding::kGzip, Coding::kDeflate}) {
      const auto decoded = Decode(CodingName(coding), Coded(coding, text), text.size());
      ASSERT_TRUE(decoded.ok()) << CodingName(coding) << ": " << decoded.status().ToString();
      EXPECT_EQ(decoded->text(), text);
    }
  }
}

TEST(ContentCodingTest, WritesWhatZlibReads) {
  const std::string coded = *Encode(Coding::kDeflate, "hello");
  char text[5];
  uLongf size = sizeof(text);
  ASSERT_EQ(uncompress(reinterpret_cast<Bytef*>(text), &size, reinterpret_cast<const Bytef*>(coded.data()),
                       coded.size()),
            Z_OK);
  EXPECT_EQ(std::string_view(text, size), "hello");
}

TEST(ContentCodingTest, DeflateWithoutHeaderIsRead) {
  EXPECT_EQ(Decode("deflate", Raw("hello, hello"), kPlenty)->text(), "hello, hello");
}

TEST(ContentCodingTest, BodiesWithoutCodingAreShared) {
  const Body body = Body::Of("hello");
  for (const char* coding : {"", "identity", " Identity , "})
    EXPECT_EQ(Decode(coding, body, 5)->data(), body.data()) << coding;
  EXPECT_THAT(Decode("", body, 4).status().message(), HasSubstr("larger than the 4 bytes allowed"));
}

TEST(ContentCodingTest, ListsAreUndoneFromTheLast) {
  const Body body = Coded(Coding::kDeflate, *Encode(Coding::kGzip, "hello"));
  EXPECT_EQ(Decode("x-gzip, identity, DEFLATE", body, kPlenty)->text(), "hello");
  EXPECT_FALSE(Decode("deflate, gzip", body, kPlenty).ok());
  EXPECT_EQ(Decode("gzip,gzip,gzip,gzip,gzip", body, kPlenty).status().code(), Code::kUnsupported);
}

TEST(ContentCodingTest, UnknownCodingsAreToldApart) {
  const Status status = Decode("br", Body::Of("hello"), kPlenty).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_EQ(status.message(), "content encoding 'br' is unknown");
}

TEST(ContentCodingTest, GzipMembersAreJoined) {
  const std::string members =
      *Encode(Coding::kGzip, "hel") + *Encode(Coding::kGzip, "") + *Encode(Coding::kGzip, "lo");
  EXPECT_EQ(Decode("gzip", Body::Of(members), 5)->text(), "hello");
  EXPECT_FALSE(Decode("gzip", Body::Of(members), 4).ok());
}

TEST(ContentCodingTest, GarbageAtTheEndIsRefused) {
  EXPECT_FALSE(Decode("gzip", Body::Of(*Encode(Coding::kGzip, "hello") + "garbage garbage"), kPlenty).ok());
  EXPECT_FALSE(
      Decode("gzip", Body::Of(*Encode(Coding::kGzip, "hello") + std::string(1, '\0')), kPlenty).ok());
  EXPECT_THAT(
      Decode("deflate", Body::Of(*Encode(Coding::kDeflate, "hello") + "x"), kPlenty).status().message(),
      HasSubstr("deflate body: 1 bytes behind its end"));
}

TEST(ContentCodingTest, EveryCutIsRefused) {
  const std::string text = Numbers(40);
  for (const Body& whole : {Coded(Coding::kGzip, text), Coded(Coding::kDeflate, text), Raw(text)}) {
    const char* coding = whole.data()[0] == 0x1F ? "gzip" : "deflate";
    for (size_t size = 0; size < whole.size(); ++size) {
      const Status status = Decode(coding, Body::Of(whole.text().substr(0, size)), kPlenty).status();
      EXPECT_EQ(status.code(), Code::kInvalidInput) << coding << " " << size;
    }
  }
}

TEST(ContentCodingTest, WrongChecksumsAreRefused) {
  for (const Coding coding : {Coding::kGzip, Coding::kDeflate}) {
    std::string coded = *Encode(coding, "hello");
    coded[coded.size() - (coding == Coding::kGzip ? 5 : 1)] ^= 1;
    EXPECT_THAT(Decode(CodingName(coding), Body::Of(coded), kPlenty).status().message(),
                HasSubstr("incorrect data check"));
  }
}

TEST(ContentCodingTest, BombsStopAtTheLimit) {
  const Body bomb = Coded(Coding::kGzip, std::string(16 << 20, '\0'));
  EXPECT_LT(bomb.size(), size_t{100'000});
  for (const size_t limit : {size_t{0}, size_t{1}, size_t{100'000}, size_t{(16 << 20) - 1}})
    EXPECT_THAT(Decode("gzip", bomb, limit).status().message(),
                HasSubstr(std::to_string(limit) + " bytes allowed"));
  // The inner layer alone is over the limit.
  EXPECT_FALSE(Decode("gzip, gzip", Coded(Coding::kGzip, bomb.text()), 1000).ok());
}

TEST(ContentCodingTest, TheLimitItselfIsNotAllocated) {
  EXPECT_EQ(Decode("gzip", Coded(Coding::kGzip, "hello"), std::numeric_limits<size_t>::max())->text(),
            "hello");
}

TEST(ContentCodingTest, Negotiates) {
  EXPECT_EQ(Negotiate(""), Coding::kIdentity);
  EXPECT_EQ(Negotiate("br"), Coding::kIdentity);
  EXPECT_EQ(Negotiate("deflate, gzip"), Coding::kGzip);
  EXPECT_EQ(Negotiate("gzip, deflate, br, zstd"), Coding::kGzip);
  EXPECT_EQ(Negotiate("GZIP;q=0.5, deflate;q=0.6"), Coding::kDeflate);
  EXPECT_EQ(Negotiate("gzip;q=0, deflate"), Coding::kDeflate);
  EXPECT_EQ(Negotiate("gzip;q=0.5"), Coding::kGzip);
  EXPECT_EQ(Negotiate("gzip;q=0.5, identity"), Coding::kIdentity);
  EXPECT_EQ(Negotiate("*"), Coding::kGzip);
  EXPECT_EQ(Negotiate("gzip;q=0, *"), Coding::kDeflate);
  EXPECT_EQ(Negotiate("*;q=0"), Coding::kIdentity);
}

}  // namespace
}  // namespace slipway::server
