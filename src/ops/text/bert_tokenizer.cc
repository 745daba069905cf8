// Text to the three inputs of a BERT model: token ids between [CLS] and [SEP], which text each is of, and a
// mask of ones. As onnxruntime-extensions 0.15 does it: the basic tokenizer of BERT with tables of its own
// (characters.h), then WordPiece.
#include <algorithm>

#include "ops/infer.h"
#include "ops/text/basic_tokens.h"
#include "ops/text/extensions.h"
#include "ops/text/utf8.h"
#include "ops/text/word_pieces.h"

namespace slipway {
namespace {

enum Operand : size_t { kText = 0, kVocabulary };

struct SpecialIds {
  int64_t unk = 0;
  int64_t cls = 0;
  int64_t sep = 0;
};

Result<SpecialIds> FindSpecial(const Vocabulary& vocabulary, const Attrs& attrs) {
  SpecialIds ids;
  const std::pair<const char*, int64_t*> wanted[] = {
      {"unk_token", &ids.unk}, {"cls_token", &ids.cls}, {"sep_token", &ids.sep}};
  for (const auto& [name, id] : wanted) {
    const auto found = vocabulary.Find(attrs.String(name));
    if (!found)
      return Status(Code::kInvalidModel,
                    "the vocabulary has no '" + attrs.String(name) + "', which " + name + " names");
    *id = *found;
  }
  return ids;
}

Status Infer(InferContext& context) {
  const auto& text = context.shape(kText);
  if (text && text->size() == 1 && (*text)[0].IsKnown() && (*text)[0].value() != 1 && (*text)[0].value() != 2)
    return context.Error("there are " + (*text)[0].ToString() + " texts; it takes one, or a pair");
  if (const Tensor* lines = context.constant(kVocabulary)) {
    const auto vocabulary = Vocabulary::Get(BytesOf(*lines));
    if (!vocabulary.ok()) return context.Error(vocabulary.status().message(), vocabulary.status().hint());
    const auto ids = FindSpecial(**vocabulary, context.attrs());
    if (!ids.ok()) return context.Error(ids.status().message());
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) context.SetOutput(i, DType::kI64, {Dim()});
  return Status::Ok();
}

// Without the basic tokenizer a space that follows another belongs to the next word.
std::vector<std::u32string> WordsBetweenSpaces(const std::u32string& text) {
  std::vector<std::u32string> words;
  std::u32string word;
  for (const char32_t c : text) {
    if (c == U' ' && !word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    } else {
      word.push_back(c);
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::vector<std::u32string> WordsOf(std::u32string text, const Attrs& attrs) {
  if (attrs.Int("do_basic_tokenize") == 0) return WordsBetweenSpaces(text);
  return BasicTokens(std::move(text), {.do_lower_case = attrs.Int("do_lower_case") != 0,
                                       .tokenize_chinese_chars = attrs.Int("tokenize_chinese_chars") != 0,
                                       .strip_accents = attrs.Int("strip_accents") != 0});
}

class Encoding {
 public:
  Encoding(const Vocabulary& vocabulary, const SpecialIds& special, const Attrs& attrs)
      : vocabulary_(vocabulary), special_(special), attrs_(attrs) {
    rules_.suffix_indicator = attrs.String("suffix_indicator");
    Put(special_.cls, 0);
  }

  // keep: at most so many tokens; -1: all.
  void Add(std::u32string text, int64_t type, int64_t keep) {
    int64_t count = 0;
    for (const std::u32string& word : WordsOf(std::move(text), attrs_)) {
      for (const WordPiece& piece : PiecesOf(EncodeUtf8(word), vocabulary_, rules_)) {
        if (keep < 0 || count < keep) Put(piece.id < 0 ? special_.unk : piece.id, type);
        ++count;
      }
    }
    Put(special_.sep, type);
  }

  std::vector<int64_t> ids, types;

 private:
  void Put(int64_t id, int64_t type) {
    ids.push_back(id);
    types.push_back(type);
  }

  const Vocabulary& vocabulary_;
  SpecialIds special_;
  const Attrs& attrs_;
  WordPieceRules rules_;
};

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const auto texts = context.in(kText).values<std::string>();
  if (texts.size() != 1 && texts.size() != 2)
    return context.Error("there are " + std::to_string(texts.size()) + " texts; it takes one, or a pair");
  const auto vocabulary = Vocabulary::Get(BytesOf(context.in(kVocabulary)));
  if (!vocabulary.ok()) return context.Error(vocabulary.status().message(), vocabulary.status().hint());
  const auto special = FindSpecial(**vocabulary, attrs);
  if (!special.ok()) return context.Error(special.status().message());
  // The library shortens one text only, and only where something of it is left.
  const int64_t room = attrs.Int("max_length") - 2;
  const int64_t keep = texts.size() == 1 && room > 0 ? room : -1;
  Encoding encoding(**vocabulary, *special, attrs);
  for (size_t i = 0; i < texts.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(std::u32string codes, CodesOf(context, texts[i]));
    encoding.Add(std::move(codes), static_cast<int64_t>(i), keep);
  }
  PutInts(context, 0, encoding.ids);
  PutInts(context, 1, encoding.types);
  PutInts(context, 2, std::vector<int64_t>(encoding.ids.size(), 1));
  return Status::Ok();
}

Status CheckOutputs(const ImportContext& context) {
  const auto& outputs = context.node().outputs;
  if (outputs.size() > 3 && !outputs[3].name.empty())
    return context.Unsupported("output 'offset_mapping' is asked for, which is not computed",
                               "leave that output off");
  return Status::Ok();
}

Status Import(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckOutputs(context));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId vocabulary, BytesOfAttr(context, "vocab_file"));
  return context.Emit("BertTokenizer", {context.in(kText), vocabulary}, KnownAttrs(context));
}

// A batch of one, and the mask comes before the types.
Status ImportHf(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckOutputs(context));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId vocabulary, BytesOfAttr(context, "vocab_file"));
  Node node;
  node.op = "BertTokenizer";
  node.name = context.node().name;
  node.inputs = {context.in(kText), vocabulary};
  node.attrs = KnownAttrs(context);
  std::vector<GraphBuilder::Output> outputs;
  for (const char* name : {"/input_ids", "/token_type_ids", "/attention_mask"})
    outputs.push_back({context.node().name + name, std::nullopt, {}, false});
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> rows,
                           context.builder().Add(std::move(node), std::move(outputs)));
  constexpr size_t kOrder[] = {0, 2, 1};
  for (size_t i = 0; i < std::min<size_t>(context.node().outputs.size(), 3); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId batch,
                             context.Add("Unsqueeze", {rows[kOrder[i]], context.ConstInts({0})}));
    context.Bind(i, batch);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeBertTokenizer() {
  OpDef op;
  op.name = "BertTokenizer";
  op.group = "text";
  op.summary = "The tokens of a text or of a pair of texts, as BERT reads them.";
  op.formula = "input_ids = [CLS] pieces [SEP] (pieces of the second [SEP])";
  op.inputs = {{"text", {DType::kString}, "[1], or [2]: a pair"},
               {"vocabulary", {DType::kU8}, "[bytes]: a token a line (vocab.txt)"}};
  op.outputs = {{"input_ids", {DType::kI64}, "[tokens]: places in the vocabulary"},
                {"token_type_ids", {DType::kI64}, "[tokens]: 1 in the second text", Arity::kOptional},
                {"attention_mask", {DType::kI64}, "[tokens]: ones", Arity::kOptional}};
  op.attrs = {
      IntAttr("do_lower_case", 1, "1: letters become small ones"),
      IntAttr("do_basic_tokenize", 1, "0: words are what single spaces separate, left as they are"),
      IntAttr("tokenize_chinese_chars", 1, "1: each ideograph is a word"),
      IntAttr("strip_accents", 0, "1: letters lose their accents (Latin-1, U+0300 to U+036F)"),
      IntAttr("max_length", -1, "most tokens of one text, the two special ones included; below 3: any"),
      StringAttr("unk_token", "[UNK]", {}, "token of what the vocabulary lacks"),
      StringAttr("cls_token", "[CLS]", {}, "token at the start"),
      StringAttr("sep_token", "[SEP]", {}, "token after each text"),
      StringAttr("suffix_indicator", "##", {}, "before pieces that do not begin a word")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = ExtensionRows("BertTokenizer", Import);
  for (ForeignRow& row : ExtensionRows("HfBertTokenizer", ImportHf)) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
