// Which values of traceparent are valid: the cases of the specification's own text.
#include "server/http/trace_context.h"

#include <gtest/gtest.h>

namespace slipway::server {
namespace {

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kParent[] = "b7ad6b7169203331";

std::string Value(const std::string& version = "00", const std::string& trace = kTrace,
                  const std::string& parent = kParent, const std::string& flags = "01") {
  return version + "-" + trace + "-" + parent + "-" + flags;
}

bool IsValid(const std::string& text) { return ParseTraceParent(text).has_value(); }

TEST(TraceContext, AValidOneIsTakenApart) {
  const std::string text = Value();
  const auto parent = ParseTraceParent(text);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->trace_id, kTrace);
  EXPECT_EQ(parent->parent_id, kParent);
  EXPECT_TRUE(IsValid(Value("00", kTrace, kParent, "ff")));
}

TEST(TraceContext, InvalidOnesAreNone) {
  EXPECT_FALSE(IsValid(""));
  EXPECT_FALSE(IsValid("garbage"));
  EXPECT_FALSE(IsValid(Value("00", std::string(32, '0'))));
  EXPECT_FALSE(IsValid(Value("00", kTrace, std::string(16, '0'))));
  EXPECT_FALSE(IsValid(Value("00", "0AF7651916CD43DD8448EB211C80319C")));
  EXPECT_FALSE(IsValid(Value("00", kTrace, "b7ad6b716920333x")));
  EXPECT_FALSE(IsValid(Value("00", kTrace, kParent, "0")));
  EXPECT_FALSE(IsValid(Value("00", kTrace, kParent, "0g")));
  EXPECT_FALSE(IsValid(Value("ff")));
  EXPECT_FALSE(IsValid(Value("0")));
  EXPECT_FALSE(IsValid(Value() + "-more"));
  EXPECT_FALSE(IsValid(Value() + " "));
}

TEST(TraceContext, LaterVersionsMayGoOn) {
  EXPECT_TRUE(IsValid(Value("cc")));
  EXPECT_TRUE(IsValid(Value("cc") + "-what-the-future-brings"));
  EXPECT_FALSE(IsValid(Value("cc") + "."));
}

TEST(TraceContext, ARequestIsASpanOfItsOwn) {
  Headers headers;
  EXPECT_TRUE(TraceContextOf(headers, "00000000000000aa").trace_id.empty());
  headers.Add("TraceParent", Value());
  const TraceContext context = TraceContextOf(headers, "00000000000000aa");
  EXPECT_EQ(context.trace_id, kTrace);
  EXPECT_EQ(context.span_id, "00000000000000aa");
  EXPECT_EQ(context.parent_id, kParent);
  headers.Add("traceparent", Value());
  EXPECT_TRUE(TraceContextOf(headers, "00000000000000aa").trace_id.empty());
}

}  // namespace
}  // namespace slipway::server
