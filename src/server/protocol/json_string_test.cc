#include "server/protocol/json_string.h"

#include <gtest/gtest.h>

namespace slipway::server {
namespace {

std::string Read(std::string_view text) {
  std::string value;
  const size_t size = ReadJsonString(text, value);
  return size == 0 ? "broken" : value + "|" + std::string(text.substr(size));
}

TEST(JsonStringTest, EndsAtTheClosingQuote) {
  EXPECT_EQ(Read(R"("",1)"), "|,1");
  EXPECT_EQ(Read(R"("ab" ])"), "ab| ]");
}

TEST(JsonStringTest, UndoesEscapes) {
  EXPECT_EQ(Read(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t|");
  EXPECT_EQ(Read(R"("\u0041\u00e9\u20AC\ud83d\ude00")"), "A\u00e9\u20ac\U0001F600|");
}

TEST(JsonStringTest, RefusesWhatIsBroken) {
  for (const char* text :
       {"", "a", "\"", "\"a", R"("\)", R"("\")", R"("\x41")", R"("\u12")", R"("\u12G4")", R"("\u-123")"})
    EXPECT_EQ(Read(text), "broken") << text;
}

TEST(JsonStringTest, RefusesHalfAPair) {
  for (const char* text :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\u0041")", R"("\ude00\ud83d")"})
    EXPECT_EQ(Read(text), "broken") << text;
}

}  // namespace
}  // namespace slipway::server
