// Tokenizers on vocabularies small enough to tokenize by hand.
#include <gmock/gmock.h>

#include <cstring>
#include <protozero/pbf_writer.hpp>

#include "ops/testing.h"
#include "ops/text/basic_tokens.h"
#include "ops/text/byte_pairs.h"
#include "ops/text/sentencepiece_charsmap.h"
#include "ops/text/sentencepiece_model.h"
#include "ops/text/utf8.h"
#include "ops/text/word_pieces.h"

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Tensor ByteTensor(const std::string& text) {
  return Tensor::From<uint8_t>(DType::kU8, {static_cast<int64_t>(text.size())}, Bytes(text));
}

Tensor Texts(const Strings& texts) {
  return Tensor::From<std::string>(DType::kString, {static_cast<int64_t>(texts.size())}, texts);
}

// Runs `op` on texts and further operands; the outputs, one line each, or the error.
std::string Tokens(const std::string& op, const Strings& texts, const std::vector<Tensor>& more,
                   Attrs attrs = {}, int num_outputs = 1) {
  std::vector<Tensor> inputs = {Texts(texts)};
  inputs.insert(inputs.end(), more.begin(), more.end());
  const auto results = RunOnTensors(op, inputs, std::move(attrs), static_cast<size_t>(num_outputs));
  if (!results.ok()) return results.status().message();
  std::string lines;
  for (const Datum& result : *results) lines += (lines.empty() ? "" : "; ") + Show(result.tensor);
  return lines;
}

TEST(Utf8, ReadsBackWhatItWrites) {
  const std::u32string codes = {0x24, 0xE9, 0x4E2D, 0x1F600, 0x10FFFF};
  EXPECT_EQ(DecodeUtf8(EncodeUtf8(codes)), codes);
}

TEST(Utf8, RefusesWhatIsNone) {
  for (const char* text :
       {"\xFF", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"})
    EXPECT_EQ(DecodeUtf8(text), std::nullopt) << text;
}

std::vector<std::string> Words(std::u32string text, const BasicTokenRules& rules = {}) {
  std::vector<std::string> words;
  for (const std::u32string& word : BasicTokens(std::move(text), rules)) words.push_back(EncodeUtf8(word));
  return words;
}

TEST(BasicTokens, AreCutAtSpacesMarksAndIdeographs) {
  EXPECT_THAT(Words(U"Don't\tgo\u3000\u4E2D\u6587x \u2019"),
              ElementsAre("don", "'", "t", "go", "\u4E2D", "\u6587", "x", "\u2019"));
  EXPECT_THAT(Words(U"\u4E2D\u6587x.", {.tokenize_chinese_chars = false, .tokenize_punctuation = false}),
              ElementsAre("\u4E2D\u6587x."));
}

TEST(BasicTokens, LoseAccentsCaseAndControls) {
  EXPECT_THAT(Words(U"\u00C9t\u00E9 e\u0301\u0007a \u0416", {.strip_accents = true}),
              ElementsAre("ete", "ea", "\u0436"));
  EXPECT_THAT(Words(U"\u00C9a\u0007", {.do_lower_case = false, .remove_control_chars = false}),
              ElementsAre("\u00C9a\u0007"));
}

const char kBert[] = "[PAD]\n[UNK]\r\n\n[CLS]\n[SEP]\nun\n##aff\n##able\n!\n\u00E9\n##\u00E9\n";

TEST(WordPieces, AreTheLongestKnown) {
  const auto vocabulary = Vocabulary::Parse(Bytes("a\nab\n##c\n##cd\n##d\n"));
  ASSERT_TRUE(vocabulary.ok());
  const auto ids = [&](std::string_view word, const WordPieceRules& rules = {}) {
    std::vector<int64_t> found;
    for (const WordPiece& piece : PiecesOf(word, **vocabulary, rules)) found.push_back(piece.id);
    return found;
  };
  EXPECT_THAT(ids("abcd"), ElementsAre(1, 3));
  EXPECT_THAT(ids("abq"), ElementsAre(1, -1));
  EXPECT_THAT(ids("c"), ElementsAre(-1));
  EXPECT_THAT(ids("abcdd", {.max_chars = 4}), ElementsAre(-1));
}

TEST(BertTokenizer, PutsTheTextBetweenItsMarks) {
  EXPECT_EQ(Tokens("BertTokenizer", {"Unaffable!"}, {ByteTensor(kBert)}, {}, 3),
            "i64[6]: 2 4 5 6 7 3; i64[6]: 0 0 0 0 0 0; i64[6]: 1 1 1 1 1 1");
  EXPECT_EQ(Tokens("BertTokenizer", {"\u00E9\u00E9"}, {ByteTensor(kBert)}), "i64[4]: 2 8 9 3");
}

TEST(BertTokenizer, TellsTheTextsOfAPairApart) {
  EXPECT_EQ(Tokens("BertTokenizer", {"un", "! x"}, {ByteTensor(kBert)}, {}, 2),
            "i64[6]: 2 4 3 7 1 3; i64[6]: 0 0 0 1 1 1");
}

TEST(BertTokenizer, ShortensALongText) {
  EXPECT_EQ(Tokens("BertTokenizer", {"un!!!"}, {ByteTensor(kBert)}, {{"max_length", int64_t{4}}}),
            "i64[4]: 2 4 7 3");
}

TEST(BertTokenizer, WithoutTheBasicTokenizerOnlySpacesCut) {
  EXPECT_EQ(Tokens("BertTokenizer", {"un ! Un!"}, {ByteTensor(kBert)}, {{"do_basic_tokenize", int64_t{0}}}),
            "i64[5]: 2 4 7 1 3");
}

TEST(BertTokenizer, NamesWhatIsWrong) {
  EXPECT_THAT(Tokens("BertTokenizer", {"x"}, {ByteTensor("[UNK]\n[SEP]")}),
              HasSubstr("the vocabulary has no '[CLS]', which cls_token names"));
  EXPECT_THAT(Tokens("BertTokenizer", {"x"}, {ByteTensor("\n")}), HasSubstr("the vocabulary is empty"));
  EXPECT_THAT(Tokens("BertTokenizer", {"a", "b", "c"}, {ByteTensor(kBert)}), HasSubstr("there are 3 texts"));
  EXPECT_THAT(Tokens("BertTokenizer", {"\xFF"}, {ByteTensor(kBert)}), HasSubstr("a text is not UTF-8"));
}

// A SentencePiece model of single pieces: unigram, no character rules but those given.
std::string UnigramModel(const std::string& charsmap = {}) {
  const std::pair<const char*, float> kPieces[] = {
      {"<unk>", 0}, {"<s>", 0}, {"</s>", 0}, {"\u2581a", -1}, {"b", -2}, {"ab", -1.5F}, {"\u2581", -3}};
  std::string model;
  protozero::pbf_writer proto(model);
  int place = 0;
  for (const auto& [text, score] : kPieces) {
    std::string piece;
    protozero::pbf_writer writer(piece);
    writer.add_string(1, text);
    writer.add_float(2, score);
    writer.add_enum(3, place == 0 ? 2 : place < 3 ? 3 : 1);  // unknown, control, normal
    proto.add_message(1, piece);
    ++place;
  }
  std::string trainer, normalizer;
  protozero::pbf_writer(trainer).add_enum(3, 1);  // unigram
  proto.add_message(2, trainer);
  if (!charsmap.empty()) protozero::pbf_writer(normalizer).add_bytes(2, charsmap);
  proto.add_message(3, normalizer);
  return model;
}

const Tensor kYes = Tensor::From<uint8_t>(DType::kBool, {}, std::vector<uint8_t>{1});

TEST(SentencepieceTokenizer, GivesTheLikeliestPieces) {
  EXPECT_EQ(Tokens("SentencepieceTokenizer", {"ab", "", "a  qb"}, {ByteTensor(UnigramModel())}, {}, 3),
            "i32[6]: 3 4 3 6 0 4; i64[4]: 0 2 2 6; i32[6]: 0 1 0 1 3 4");
}

TEST(SentencepieceTokenizer, AddsMarksAndTurnsAround) {
  const std::vector<Tensor> all = {ByteTensor(UnigramModel()), kYes, kYes, kYes};
  EXPECT_EQ(Tokens("SentencepieceTokenizer", {"ab"}, all), "i32[4]: 2 4 3 1");
}

TEST(SentencepieceTokenizer, CountsAsFairseq) {
  EXPECT_EQ(Tokens("SentencepieceTokenizer", {"q a"}, {ByteTensor(UnigramModel()), kYes, kYes, {}, kYes}),
            "i32[5]: 0 7 3 4 2");
}

TEST(SentencepieceTokenizer, RefusesWhatIsNoModel) {
  EXPECT_THAT(Tokens("SentencepieceTokenizer", {"a"}, {ByteTensor("no model")}),
              HasSubstr("SentencePiece model is damaged: it is no ModelProto message"));
  EXPECT_THAT(Tokens("SentencepieceTokenizer", {"a"}, {ByteTensor("")}),
              HasSubstr("the SentencePiece library refuses the model"));
}

// The table of characters: size of the trie, units, replacements.
std::string CharsMap(const std::vector<uint32_t>& units, const std::string& replacements) {
  std::string table;
  const auto put = [&](uint32_t word) { table.append(reinterpret_cast<const char*>(&word), sizeof(word)); };
  put(static_cast<uint32_t>(units.size() * sizeof(uint32_t)));
  for (const uint32_t unit : units) put(unit);
  return table + replacements;
}

// One rule: 'q' becomes what stands at `value`. The root leads to unit 'q', whose leaf is unit 1 from there.
std::vector<uint32_t> OneRule(uint32_t value) {
  std::vector<uint32_t> units(256);
  units['q'] = 'q' | 1U << 8 | ('q' ^ 1U) << 10;
  units[1] = 1U << 31 | value;
  return units;
}

TEST(CharsMap, IsHeeded) {
  const std::string replacements("b\0", 2);
  EXPECT_EQ(Tokens("SentencepieceTokenizer", {"aq"},
                   {ByteTensor(UnigramModel(CharsMap(OneRule(0), replacements)))}),
            "i32[2]: 3 4");
}

TEST(CharsMap, LeadsNowhereOutside) {
  const std::string replacements("b\0", 2);
  const auto why = [](const std::string& table) { return CheckCharsMap(table).message(); };
  EXPECT_EQ(why(CharsMap(OneRule(0), replacements)), "");
  EXPECT_THAT(why(CharsMap(OneRule(2), replacements)), HasSubstr("a replacement outside of it at unit 113"));
  std::vector<uint32_t> far = OneRule(0);
  far[7] = 1000U << 10;
  EXPECT_THAT(why(CharsMap(far, replacements)), HasSubstr("leads out of its trie at unit 7"));
  EXPECT_THAT(why(CharsMap(OneRule(0), "b")), HasSubstr("replacements that do not end"));
  EXPECT_THAT(why(CharsMap({}, replacements)), HasSubstr("a trie of 0 bytes"));
  EXPECT_THAT(why("abc"), HasSubstr("cut short"));
  EXPECT_FALSE(SentencePieceModel::Parse(Bytes(UnigramModel(CharsMap(far, replacements)))).ok());
}

TEST(SentencePieceModel, ReadsPiecesBack) {
  const auto model = SentencePieceModel::Parse(Bytes(UnigramModel()));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(*(*model)->Decode({3, 4, 6, 5}), "ab ab");
  EXPECT_THAT((*model)->Decode({7}).status().message(), HasSubstr("token 7 is outside of the 7 known"));
}

TEST(SentencepieceDecoder, GivesTheTextBack) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId ids = builder.Input("ids", Type::Of(DType::kI64, {1, 3}));
  const ValueId model = builder.Constant("model", ByteTensor(UnigramModel()));
  auto text = builder.Add("SentencepieceDecoder", {ids, model});
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  graph.outputs = {*text};
  const auto run = [&](const std::vector<int64_t>& values) {
    return Interpret(graph, std::vector{Datum::Of(Tensor::From<int64_t>(DType::kI64, {1, 3}, values))});
  };
  EXPECT_EQ(*(*run({1, 3, 4}))[0].tensor.as<std::string>(), "ab");
  EXPECT_THAT(run({1, 3, -4}).status().message(), HasSubstr("token -4 is not in the vocabulary"));
}

TEST(BytePairs, StandInForEveryByte) {
  EXPECT_EQ(CharOfByte('a'), U'a');
  EXPECT_EQ(CharOfByte(0), U'\u0100');
  EXPECT_EQ(CharOfByte(' '), U'\u0120');
  EXPECT_EQ(CharOfByte(0x7F), U'\u0121');
  EXPECT_EQ(CharOfByte(0xAD), U'\u0143');
  EXPECT_EQ(CharOfByte(0xFF), U'\u00FF');
}

TEST(BytePairs, WordsAreGpt2s) {
  EXPECT_THAT(BytePairWords("I'll go  to 12 \u00E9t\u00E9!!  "),
              ElementsAre("I", "'ll", " go", " ", " to", " 12", " \u00E9t\u00E9", "!!", "  "));
  EXPECT_THAT(BytePairWords("'S\u3000\u3000a"), ElementsAre("'", "S", "\u3000", "\u3000", "a"));
  EXPECT_THAT(BytePairWords(""), ElementsAre());
}

const char kPairs[] = R"({"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5, "aa": 6, "Ġ": 7, "Ġab": 8,
                          "<|endoftext|>": 9, "c</w>": 10, "abc</w>": 11})";
const char kMerges[] = "#version\nb c\na b\na bc\na a\nĠ ab\nab c</w>\n";

std::string Pairs(const Strings& texts, Attrs attrs = {}, int num_outputs = 1) {
  return Tokens("BytePairTokenizer", texts, {ByteTensor(kPairs), ByteTensor(kMerges)}, std::move(attrs),
                num_outputs);
}

TEST(BytePairTokenizer, JoinsTheBestPairsFirst) {
  EXPECT_EQ(Pairs({"abc"}), "i64[1,1]: 5");
  EXPECT_EQ(Pairs({"aaa ab"}), "i64[1,3]: 6 0 8");
  EXPECT_EQ(Pairs({"aq"}), "i64[1,2]: 0 9");
}

TEST(BytePairTokenizer, FillsRowsUp) {
  EXPECT_EQ(Pairs({"a", "cab"}, {{"pad_token", "<|endoftext|>"}}, 2), "i64[2,2]: 0 9 2 3; i64[2,2]: 1 0 1 1");
  EXPECT_EQ(Pairs({"a", "cab"}, {{"padding_length", int64_t{1}}}, 2), "i64[2,1]: 0 2; i64[2,1]: 1 1");
}

TEST(BytePairTokenizer, KnowsRobertasAndClipsWays) {
  const Attrs marks = {{"style", "roberta"}, {"bos_token", "a"}, {"eos_token", "b"}};
  EXPECT_EQ(Pairs({"c"}, marks), "i64[1,3]: 0 2 1");
  EXPECT_EQ(Pairs({" ABC  \n"}, {{"style", "clip"}}), "i64[1,3]: 9 11 9");
}

TEST(BytePairTokenizer, TakesTokensAsTheyStand) {
  EXPECT_EQ(Pairs({"a<|endoftext|>a<x>"}, {{"added_tokens", Strings{"<x>"}}, {"added_ids", Ints{70}}}),
            "i64[1,4]: 0 9 0 70");
}

TEST(BytePairTokenizer, LongWordsStayFast) {
  EXPECT_THAT(Pairs({std::string(1 << 18, 'a')}), testing::StartsWith("i64[1,131072]: 6 6"));
}

TEST(BytePairTokenizer, NamesWhatIsWrong) {
  EXPECT_THAT(Tokens("BytePairTokenizer", {"a"}, {ByteTensor("{"), ByteTensor("")}),
              HasSubstr("is no JSON object"));
  EXPECT_THAT(Tokens("BytePairTokenizer", {"a"}, {ByteTensor(R"({"a": -1})"), ByteTensor("")}),
              HasSubstr("token 'a' of the vocabulary has no id"));
  EXPECT_THAT(Tokens("BytePairTokenizer", {"a"}, {ByteTensor(R"({"a": 1})"), ByteTensor("ab")}),
              HasSubstr("merge 'ab' is no pair"));
  EXPECT_THAT(Pairs({"a"}, {{"padding_length", int64_t{0}}}), HasSubstr("padding_length is 0"));
}

}  // namespace
}  // namespace slipway
