#include "server/supervisor/seat.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace slipway::server {
namespace {

// What the supervisor hears of what `tell` says, so many bytes at a time.
template <class Tell>
Hearing HearOf(const Tell& tell, size_t at_once, std::string* words) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  tell(Seat{.wire = ends[1]});
  close(ends[1]);
  Hearing hearing;
  std::string bytes(at_once, '\0');
  ssize_t size;
  while ((size = read(ends[0], bytes.data(), at_once)) > 0)
    *words += hearing.Take({bytes.data(), static_cast<size_t>(size)});
  close(ends[0]);
  return hearing;
}

TEST(Seat, WordsAreHeard) {
  std::string words;
  const Hearing hearing = HearOf(
      [](const Seat& seat) {
        for (Word word : {Word::kReady, Word::kBeat, Word::kEnough}) seat.Tell(word);
      },
      2, &words);
  EXPECT_EQ(words, "RBE");
  EXPECT_FALSE(hearing.failure());
}

TEST(Seat, ErrorsAreHeardWhole) {
  for (size_t at_once : {1, 3, 1000}) {
    std::string words;
    const Hearing hearing = HearOf(
        [](const Seat& seat) {
          seat.Tell(Word::kBeat);
          seat.TellFailure(Status(Code::kNotFound, "there is no 'R'", "make one"));
        },
        at_once, &words);
    EXPECT_EQ(words, "B");
    ASSERT_TRUE(hearing.failure());
    EXPECT_EQ(hearing.failure()->code(), Code::kNotFound);
    EXPECT_EQ(hearing.failure()->message(), "there is no 'R'");
    EXPECT_EQ(hearing.failure()->hint(), "make one");
  }
}

TEST(Seat, AnErrorThatIsCutOffIsNone) {
  Hearing hearing;
  hearing.Take("BF");
  EXPECT_FALSE(hearing.failure());
  hearing.Take("~what");
  EXPECT_EQ(hearing.failure()->code(), Code::kInternal);
}

}  // namespace
}  // namespace slipway::server
