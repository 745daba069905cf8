#include "server/http/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kType = "multipart/form-data; boundary=XX";

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
std::string AsText(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// A part named a with that content, its delimiter before it.
std::string PartOf(std::string_view content) {
  return "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n" + std::string(content) + "\r\n";
}

Result<std::vector<Part>> Parse(std::string_view body, const MultipartLimits& limits = {}) {
  return ParseMultipart(kType, AsBytes(body), limits);
}

std::string ErrorOf(std::string_view body, const MultipartLimits& limits = {}) {
  return Parse(body, limits).status().message();
}

// Of one part with these headers.
Result<Part> ParseHeaders(const std::string& headers) {
  auto parts = Parse("--XX\r\n" + headers + "\r\n\r\nx\r\n--XX--");
  if (!parts.ok()) return parts.status();
  return parts->at(0);
}

std::string HeaderErrorOf(const std::string& headers) { return ParseHeaders(headers).status().message(); }

TEST(MultipartTest, PartsLookAtTheBody) {
  const std::string body =
      "preamble\r\n--XX \t\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n"
      "content-type: image/png\r\nX-Other: 1\r\n\r\n\x89PNG\r\n\r\n--X\r\n--XX\r\n"
      "Content-Disposition: form-data; name=top_k\r\n\r\n5\r\n--XX--\r\nepilogue --XX";
  const auto parts = Parse(body);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  ASSERT_EQ(parts->size(), 2u);
  const Part& image = parts->at(0);
  EXPECT_THAT((std::vector{image.name, image.filename, image.content_type, AsText(image.bytes)}),
              ElementsAre("image", "a.png", "image/png", "\x89PNG\r\n\r\n--X"));
  EXPECT_EQ(image.bytes.data(), AsBytes(body).data() + body.find('\x89'));
  const Part& top_k = parts->at(1);
  EXPECT_THAT((std::vector{top_k.name, top_k.filename, top_k.content_type, AsText(top_k.bytes)}),
              ElementsAre("top_k", "", "", "5"));
}

TEST(MultipartTest, PartsMayBeEmptyAndNoneAtAll) {
  EXPECT_EQ(AsText(Parse(PartOf("") + "--XX--")->at(0).bytes), "");
  // The line end of the headers is that of the delimiter.
  EXPECT_EQ(Parse("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--")->size(), 1u);
  EXPECT_TRUE(Parse("--XX--")->empty());
}

TEST(MultipartTest, WhatLooksLikeADelimiterIsContent) {
  for (const char* content : {"\r", "\r\n", "\r\n-", "\r\n--X", "\r\r\n--X", "\r\n\r\n--X\r", " --XX",
                              "\n--XX", "--X", "-", "\r\n--\r\n--X\r\n--"})
    EXPECT_EQ(AsText(Parse(PartOf(content) + "--XX--")->at(0).bytes), content);
}

// Keeps copies, as its bytes come and go.
struct Copies : MultipartListener {
  void OnPart(Part part) override {
    names.push_back(part.name);
    texts.emplace_back();
  }
  void OnBytes(std::span<const uint8_t> bytes) override { texts.back() += AsText(bytes); }
  std::vector<std::string> names, texts;
};

TEST(MultipartTest, PiecesOfAnySizeGiveTheSame) {
  const std::string body = "x\r\n" + PartOf("\r\n--X\r\n-\r") + PartOf("\n--XX") + PartOf("") + "--XX--\r\n";
  for (size_t piece = 1; piece <= body.size(); ++piece) {
    Copies copies;
    MultipartParser parser("XX", {}, copies);
    for (size_t at = 0; at < body.size(); at += piece) {
      const std::string gone = body.substr(at, piece);
      ASSERT_TRUE(parser.Feed(AsBytes(gone)).ok()) << piece;
    }
    EXPECT_TRUE(parser.Finish().ok());
    EXPECT_THAT(copies.texts, ElementsAre("\r\n--X\r\n-\r", "\n--XX", "")) << piece;
  }
}

TEST(MultipartTest, BodiesCutShortAreRefused) {
  const std::string body = PartOf("content") + "--XX--";
  for (size_t size = 0; size < body.size(); ++size)
    EXPECT_THAT(ErrorOf(body.substr(0, size)), HasSubstr("ends without its last boundary '--XX--'")) << size;
}

TEST(MultipartTest, DelimitersEndTheirLine) {
  for (const char* end : {"X\r\n", "\n", "-\r\n", " -", "\r\r\n", "\r-"})
    EXPECT_THAT(ErrorOf("--XX" + std::string(end) + "Content-Disposition"), HasSubstr("behind boundary 'XX'"))
        << end;
}

TEST(MultipartTest, ErrorsStay) {
  Copies copies;
  MultipartParser parser("XX", {}, copies);
  const Status status = parser.Feed(AsBytes("--XX!"));
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(parser.Feed(AsBytes(PartOf("a") + "--XX--")).message(), status.message());
  EXPECT_EQ(parser.Finish().message(), status.message());
  EXPECT_TRUE(copies.names.empty());
}

TEST(MultipartTest, Limits) {
  const std::string two = PartOf("12345") + PartOf("12345") + "--XX--";
  const size_t header_bytes = std::string_view("Content-Disposition: form-data; name=a\r\n\r\n").size();
  EXPECT_TRUE(Parse(two, {2, header_bytes, 5, two.size()}).ok());
  EXPECT_THAT(ErrorOf(two, {.max_parts = 1}), HasSubstr("more than the 1 parts allowed"));
  EXPECT_THAT(ErrorOf(two, {.max_header_bytes = header_bytes - 1}), HasSubstr("headers are larger than the"));
  EXPECT_THAT(ErrorOf(two, {.max_part_bytes = 4}), HasSubstr("part 'a' is larger than the 4 bytes allowed"));
  EXPECT_THAT(ErrorOf(two, {.max_total_bytes = two.size() - 1}), HasSubstr("larger than the"));
}

TEST(MultipartTest, NamesAreUnquoted) {
  const Part part =
      *ParseHeaders(R"(Content-Disposition: FORM-DATA; NAME="a;\"b\""; filename="C:\x\\y.png")");
  EXPECT_EQ(part.name, R"(a;"b")");
  EXPECT_EQ(part.filename, R"(C:\x\y.png)");
}

TEST(MultipartTest, ExtendedFileNamesComeFirst) {
  const std::string start = "Content-Disposition: form-data; name=a; filename=n.jpg; filename*=";
  EXPECT_EQ(ParseHeaders(start + "utf-8'fr'na%C3%AFve.jpg")->filename, "na\u00efve.jpg");
  EXPECT_THAT(HeaderErrorOf(start + "latin1''x"), HasSubstr("charset 'latin1', UTF-8 is read"));
  EXPECT_THAT(HeaderErrorOf(start + "UTF-8'x"), HasSubstr("is not charset'language'text"));
  EXPECT_THAT(HeaderErrorOf(start + "UTF-8''%00"), HasSubstr("filename*: a NUL byte"));
  EXPECT_THAT(HeaderErrorOf(start + "UTF-8''%C3"), HasSubstr("filename*: '%C3' is not UTF-8"));
}

TEST(MultipartTest, BrokenHeadersAreRefused) {
  const std::string good = "Content-Disposition: form-data; name=a";
  EXPECT_THAT(ErrorOf("--XX\r\n\r\nx\r\n--XX--"), HasSubstr("a part has no Content-Disposition"));
  EXPECT_THAT(HeaderErrorOf("Content-Type: a/b"), HasSubstr("a part has no Content-Disposition"));
  EXPECT_THAT(HeaderErrorOf("Content-Disposition: form-data"), HasSubstr("has no name"));
  EXPECT_THAT(HeaderErrorOf("Content-Disposition: form-data; name=\"\""), HasSubstr("has no name"));
  EXPECT_THAT(HeaderErrorOf("Content-Disposition: attachment; name=a"),
              HasSubstr("'attachment', not 'form-data'"));
  EXPECT_THAT(HeaderErrorOf(good + "\r\n" + good), HasSubstr("two Content-Disposition"));
  EXPECT_THAT(HeaderErrorOf(good + "; name=b"), HasSubstr("'name' is given twice"));
  EXPECT_THAT(HeaderErrorOf(good + "\r\n folded"), HasSubstr("' folded' is not 'Name: value'"));
  EXPECT_THAT(HeaderErrorOf(good + "\r\nnothing"), HasSubstr("'nothing' is not 'Name: value'"));
  EXPECT_THAT(HeaderErrorOf(good + "\nX: y"), HasSubstr("a control character"));
  EXPECT_THAT(HeaderErrorOf(good + "\xFF"), HasSubstr("not UTF-8"));
  EXPECT_THAT(HeaderErrorOf(good + "\r\nContent-Transfer-Encoding: base64"),
              HasSubstr("'base64', binary is read"));
  EXPECT_TRUE(ParseHeaders(good + "\r\nContent-Transfer-Encoding: Binary").ok());
}

TEST(MultipartTest, BoundaryOfTheContentType) {
  EXPECT_EQ(*BoundaryOf("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\""), "a b:c");
  EXPECT_EQ(*BoundaryOf("multipart/form-data;boundary=" + std::string(70, '-')), std::string(70, '-'));
  EXPECT_EQ(BoundaryOf("multipart/mixed; boundary=a").status().code(), Code::kUnsupported);
  EXPECT_EQ(BoundaryOf("").status().code(), Code::kUnsupported);
  for (const std::string parameter :
       {"", "boundary=", "boundary=\"a \"", "boundary=a\x01", "boundary=\"a", "boundary=a;boundary=b"})
    EXPECT_EQ(BoundaryOf("multipart/form-data; " + parameter).status().code(), Code::kInvalidInput)
        << parameter;
  EXPECT_FALSE(BoundaryOf("multipart/form-data; boundary=" + std::string(71, 'a')).ok());
}

// Counts, as copies of this much would hide the parser's own time.
struct Counter : MultipartListener {
  void OnPart(Part) override {}
  void OnBytes(std::span<const uint8_t> bytes) override { total += bytes.size(); }
  size_t total = 0;
};

// Delimiters that miss their last byte, byte by byte: a parser that keeps them and searches again takes
// hours.
TEST(MultipartTest, NearMissesCostNoMoreThanOtherBytes) {
  const std::string boundary(70, '-');
  std::string content;
  while (content.size() < 4 << 20) content += "\r\n--" + boundary.substr(1);
  const std::string body = "--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\n " + content +
                           "\r\n--" + boundary + "--";
  Counter counter;
  MultipartParser parser(boundary, {}, counter);
  const auto start = std::chrono::steady_clock::now();
  for (const char& c : body) ASSERT_TRUE(parser.Feed(AsBytes({&c, 1})).ok());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(parser.Finish().ok());
  EXPECT_EQ(counter.total, content.size() + 1);
  EXPECT_LT(seconds.count(), 20);
}

}  // namespace
}  // namespace slipway::server
