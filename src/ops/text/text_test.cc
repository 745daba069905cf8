// Regular expressions and n-grams: what matches, what is refused.
#include <gmock/gmock.h>

#include "ops/testing.h"

namespace slipway {
namespace {

// Whether `text` matches; the error of a pattern that is none.
Result<bool> Matches(const std::string& pattern, const std::string& text) {
  Graph graph;
  GraphBuilder builder(graph);
  Node node;
  node.op = "RegexFullMatch";
  node.name = "node";
  node.attrs = {{"pattern", pattern}};
  node.inputs = {builder.Input("text", Type::Of(DType::kString, ToDimList({1})))};
  SLIPWAY_ASSIGN_OR_RETURN(graph.outputs, builder.Add(std::move(node), {{"output"}}));
  Tensor tensor(DType::kString, {1});
  tensor.as<std::string>()[0] = text;
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results,
                           Interpret(graph, std::vector{Datum::Of(std::move(tensor))}));
  return results[0].tensor.as<uint8_t>()[0] != 0;
}

TEST(RegexFullMatch, MatchesFromEndToEnd) {
  EXPECT_TRUE(*Matches("a+b?", "aab"));
  EXPECT_FALSE(*Matches("a+b?", "aabc"));
  EXPECT_TRUE(*Matches("a|ab", "ab"));  // the longer branch, though the shorter comes first
  EXPECT_TRUE(*Matches("", ""));
}

TEST(RegexFullMatch, CountsCodePointsNotBytes) {
  EXPECT_TRUE(*Matches("...", "é€😀"));
  EXPECT_FALSE(*Matches(".", "\xC3"));  // half of an é
  EXPECT_TRUE(*Matches("\\pL+", "straße"));
}

TEST(RegexFullMatch, NestedRepeatsStayFast) { EXPECT_FALSE(*Matches("((a*)*)*b", std::string(2000, 'a'))); }

TEST(RegexFullMatch, RefusesWhatIsNoPattern) {
  EXPECT_THAT(Matches("(?=a)", "a").status().message(),
              testing::HasSubstr("pattern '(?=a)' is not in RE2's syntax: invalid perl operator: (?="));
  for (const char* pattern : {"(", ")", "[a", "*", "a{1001}", "[b-a]", "\\", "[[:foo:]]"})
    EXPECT_FALSE(Matches(pattern, "a").ok()) << pattern;
  EXPECT_FALSE(Matches("((a{1000}){1000}){1000}", "a").ok());
  EXPECT_FALSE(Matches(std::string(100000, '('), "a").ok());
}

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
