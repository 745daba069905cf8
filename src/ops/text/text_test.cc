// Regular expressions and n-grams: what matches, what is refused, and that time does not explode.
#include "ops/testing.h"
#include "ops/text/regex.h"

namespace slipway {
namespace {

bool Matches(const std::string& pattern, const std::string& text) {
  const auto regex = Regex::Parse(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status().ToString();
  return regex.ok() && regex->MatchesAll(text);
}

TEST(Regex, MatchesFromEndToEnd) {
  EXPECT_TRUE(Matches("a+b?", "aab"));
  EXPECT_FALSE(Matches("a+b?", "aabc"));
  EXPECT_TRUE(Matches("a|ab", "ab"));  // the longer branch, though the shorter comes first
  EXPECT_TRUE(Matches("", ""));
}

TEST(Regex, CountsCodePointsNotBytes) {
  EXPECT_TRUE(Matches("...", "é€😀"));
  EXPECT_FALSE(Matches(".", "\xC3"));  // half of an é
}

TEST(Regex, FoldsCaseAsUnicodeDoes) {
  EXPECT_TRUE(Matches("(?i)[k]s", "\u212A\u017F"));
  EXPECT_FALSE(Matches("(?i)[^k]", "K"));
  EXPECT_FALSE(Matches("(?i)\\W", "k"));
}

TEST(Regex, NestedRepeatsStayFast) { EXPECT_FALSE(Matches("((a*)*)*b", std::string(2000, 'a'))); }

TEST(Regex, RefusesWhatRe2Refuses) {
  for (const char* pattern : {"(", ")", "[a", "a**", "*", "a{1001}", "\\1", "(?=a)", "[b-a]", "\\", "(?i",
                              "a{2,1}", "\\x{110000}", "[[:foo:]]"})
    EXPECT_FALSE(Regex::Parse(pattern).ok()) << pattern;
}

TEST(Regex, RefusesWhatWouldNeedTooManyStates) { EXPECT_FALSE(Regex::Parse("((a{1000}){1000}){1000}").ok()); }

TEST(Regex, RefusesDeepGroups) { EXPECT_FALSE(Regex::Parse(std::string(100000, '(')).ok()); }

// 1-grams 5 and 6, 2-gram 5 6: in 5 6 5 6 the pair stands twice, with one item skipped never (5 5, 6 6).
TEST(TfIdfVectorizer, CountsGramsOfEveryLength) {
  const Attrs attrs = {{"mode", std::string("TFIDF")},    {"min_gram_length", int64_t{1}},
                       {"max_gram_length", int64_t{2}},   {"max_skip_count", int64_t{1}},
                       {"ngram_counts", Ints{0, 2}},      {"ngram_indexes", Ints{0, 1, 2}},
                       {"pool_int64s", Ints{5, 6, 5, 6}}, {"weights", Floats{1, 2, 10}}};
  EXPECT_EQ(RunAndShow("TfIdfVectorizer", {{DType::kI64, {4}, {5, 6, 5, 6}}}, attrs), "f32[3]: 2 4 20");
}

TEST(TfIdfVectorizer, RefusesAPoolThatEndsWithinAGram) {
  const Attrs attrs = {{"mode", std::string("TF")},     {"min_gram_length", int64_t{1}},
                       {"max_gram_length", int64_t{2}}, {"max_skip_count", int64_t{0}},
                       {"ngram_counts", Ints{0, 2}},    {"ngram_indexes", Ints{0, 1, 2}},
                       {"pool_int64s", Ints{5, 6, 5}}};
  EXPECT_NE(RunAndShow("TfIdfVectorizer", {{DType::kI64, {4}, {5, 6, 5, 6}}}, attrs).find("ngram_counts"),
            std::string::npos);
}

}  // namespace
}  // namespace slipway
