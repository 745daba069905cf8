#include "server/protocol/error.h"

#include <gtest/gtest.h>

namespace slipway::server {
namespace {

TEST(ErrorTest, TellsMessageAndHint) {
  const Response response = ErrorResponse(Status(Code::kNotFound, "no model \"a\"", "load it"));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"x({"error":"no model \"a\" (load it)"})x");
}

TEST(ErrorTest, StatusesAreTritons) {
  EXPECT_EQ(HttpStatusOf(Code::kUsage), 400);
  EXPECT_EQ(HttpStatusOf(Code::kInvalidInput), 400);
  EXPECT_EQ(HttpStatusOf(Code::kInvalidModel), 400);
  EXPECT_EQ(HttpStatusOf(Code::kUnsupported), 501);
  EXPECT_EQ(HttpStatusOf(Code::kInternal), 500);
  EXPECT_EQ(HttpStatusOf(Code::kIo), 500);
}

TEST(ErrorTest, AnyStatusCanBeSaid) {
  const Response response = ErrorResponse(503, "the queue is full");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, R"({"error":"the queue is full"})");
}

TEST(ErrorTest, LongTextsAreCut) {
  EXPECT_EQ(Quoted("x"), "'x'");
  EXPECT_EQ(Quoted(std::string(1 << 20, 'x')).size(), 80u + 5u);
}

}  // namespace
}  // namespace slipway::server
