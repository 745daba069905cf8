// Texts to the tokens of GPT-2, RoBERTa and CLIP: onnxruntime-extensions' tokenizers of these names.
#include <algorithm>

#include "ops/infer.h"
#include "ops/text/byte_pairs.h"
#include "ops/text/characters.h"
#include "ops/text/extensions.h"
#include "ops/text/utf8.h"

namespace slipway {
namespace {

enum Operand : size_t { kText = 0, kVocabulary, kMerges };

Status Infer(InferContext& context) {
  const int64_t length = context.attrs().Int("padding_length");
  constexpr int64_t kMost = 1 << 24;
  if (length != -1 && (length < 1 || length > kMost))
    return context.Error("padding_length is " + std::to_string(length) + "; it must be -1, or 1 to " +
                         std::to_string(kMost));
  if (context.attrs().StringList("added_tokens").size() != context.attrs().IntList("added_ids").size())
    return context.Error("added_tokens and added_ids differ in number");
  const Tensor* vocabulary = context.constant(kVocabulary);
  const Tensor* merges = context.constant(kMerges);
  if (vocabulary != nullptr && merges != nullptr) {
    const auto model = BytePairModel::Get(BytesOf(*vocabulary), BytesOf(*merges));
    if (!model.ok()) return context.Error(model.status().message(), model.status().hint());
  }
  Type type = Type::OfUnknownShape(DType::kI64);
  if (context.shape(kText)) {
    type.shape = *context.shape(kText);
    type.shape->push_back(length == -1 ? Dim() : Dim(length));
  }
  context.SetOutput(0, type);
  if (context.HasOutput(1)) context.SetOutput(1, type);
  return Status::Ok();
}

// Tokens that stand in the text as they are.
struct Literal {
  std::string text;
  int64_t id;
};

class Tokenizer {
 public:
  Tokenizer(const BytePairModel& model, const Attrs& attrs)
      : model_(model), style_(attrs.String("style")), length_(attrs.Int("padding_length")) {
    const Strings& added = attrs.StringList("added_tokens");
    for (size_t i = 0; i < added.size(); ++i) added_.push_back({added[i], attrs.IntList("added_ids")[i]});
    // The longest first; the others one after another, as the library does.
    std::stable_sort(added_.begin(), added_.end(),
                     [](const Literal& a, const Literal& b) { return a.text.size() > b.text.size(); });
    int64_t next_id = model.size();
    for (const char* name : {"unk_token", "bos_token", "eos_token", "pad_token"}) {
      const std::string& text = attrs.String(name);
      if (text.empty()) continue;
      const auto same = [&](const Literal& literal) { return literal.text == text; };
      if (std::any_of(special_.begin(), special_.end(), same)) continue;
      const int64_t id = model.Find(text);
      special_.push_back({text, id >= 0 ? id : next_id++});
    }
    unk_ = IdOf(attrs.String("unk_token"));
    bos_ = IdOf(attrs.String("bos_token"));
    eos_ = IdOf(attrs.String("eos_token"));
    pad_ = IdOf(attrs.String("pad_token"));
  }

  std::vector<int64_t> Encode(std::u32string text) {
    ids_.clear();
    if (IsClip()) text = Cleaned(text);
    if (HasMarks()) ids_.push_back(bos_);
    AddAround(EncodeUtf8(text), added_, 0);
    if (length_ > 0) ids_.resize(std::min(ids_.size(), static_cast<size_t>(length_) - (HasMarks() ? 1 : 0)));
    if (HasMarks()) ids_.push_back(eos_);
    return ids_;
  }

  int64_t pad() const { return pad_; }

 private:
  bool IsClip() const { return style_ == "clip"; }
  bool HasMarks() const { return style_ != "gpt2"; }

  int64_t IdOf(const std::string& text) const {
    for (const Literal& literal : special_) {
      if (literal.text == text) return literal.id;
    }
    return 0;
  }

  // Python's str.isspace, as the library has it.
  static bool IsSpace(char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
  }

  // CLIP: runs of spaces become their first, none at the ends, no line ends; small letters.
  static std::u32string Cleaned(const std::u32string& text) {
    std::u32string clean;
    for (const char32_t c : text) {
      if (IsSpace(c) && (clean.empty() || IsSpace(clean.back()))) continue;
      clean.push_back(TokenizerLower(c));
    }
    if (!clean.empty() && IsSpace(clean.back())) clean.pop_back();
    std::erase_if(clean, [](char32_t c) { return c == U'\n' || c == U'\r'; });
    return clean;
  }

  // Literals of the list, from `first` on, are cut out wherever they stand. Added tokens: at each place the
  // longest; special ones: the first in the list everywhere, then the next in what is left.
  void AddAround(std::string_view text, const std::vector<Literal>& literals, size_t first) {
    const bool are_added = &literals == &added_;
    while (!text.empty()) {
      size_t at = std::string_view::npos;
      const Literal* found = nullptr;
      for (size_t i = first; i < literals.size() && (are_added || i == first); ++i) {
        const size_t place = literals[i].text.empty() ? std::string_view::npos : text.find(literals[i].text);
        if (place < at) {
          at = place;
          found = &literals[i];
        }
      }
      AddRest(text.substr(0, at), are_added, first);
      if (found == nullptr) return;
      ids_.push_back(found->id);
      text.remove_prefix(at + found->text.size());
    }
  }

  void AddRest(std::string_view text, bool are_added, size_t first) {
    if (text.empty()) return;
    if (are_added) return AddAround(text, special_, 0);
    if (first < special_.size()) return AddAround(text, special_, first + 1);
    AddWords(text);
  }

  void AddWords(std::string_view text) {
    for (const std::string_view each : BytePairWords(text)) {
      std::string word(each);
      if (IsClip()) std::erase(word, ' ');
      for (const int64_t id : model_.Encode(word, IsClip() ? "</w>" : "")) ids_.push_back(id < 0 ? unk_ : id);
    }
  }

  const BytePairModel& model_;
  std::string style_;
  int64_t length_;
  std::vector<Literal> added_, special_;
  int64_t unk_ = 0, bos_ = 0, eos_ = 0, pad_ = 0;
  std::vector<int64_t> ids_;
};

Status Reference(RunContext& context) {
  const auto model = BytePairModel::Get(BytesOf(context.in(kVocabulary)), BytesOf(context.in(kMerges)));
  if (!model.ok()) return context.Error(model.status().message(), model.status().hint());
  Tokenizer tokenizer(**model, context.attrs());
  std::vector<std::vector<int64_t>> rows;
  size_t longest = 0;
  for (const std::string& text : context.in(kText).values<std::string>()) {
    SLIPWAY_ASSIGN_OR_RETURN(std::u32string codes, CodesOf(context, text));
    rows.push_back(tokenizer.Encode(std::move(codes)));
    longest = std::max(longest, rows.back().size());
  }
  const int64_t given = context.attrs().Int("padding_length");
  const size_t length = given == -1 ? longest : static_cast<size_t>(given);
  Dims dims = context.in(kText).dims();
  dims.push_back(static_cast<int64_t>(length));
  int64_t* ids = context.AllocateOutput(0, dims).as<int64_t>();
  int64_t* mask = context.HasOutput(1) ? context.AllocateOutput(1, dims).as<int64_t>() : nullptr;
  for (const std::vector<int64_t>& row : rows) {
    for (size_t i = 0; i < length; ++i) {
      *ids++ = i < row.size() ? row[i] : tokenizer.pad();
      if (mask != nullptr) *mask++ = i < row.size() ? 1 : 0;
    }
  }
  return Status::Ok();
}

// Lines "token=id".
Status ReadAdded(ImportContext& context, Attrs& attrs) {
  const std::string& lines = context.attrs().String("added_token");
  Strings tokens;
  Ints ids;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    std::string line = lines.substr(at, end - at);
    at = end + 1;
    std::erase(line, '\r');
    if (line.empty()) continue;
    const size_t equals = line.rfind('=');
    const std::string number = equals == std::string::npos ? "" : line.substr(equals + 1);
    const bool is_number =
        !number.empty() && number.size() < 10 &&
        std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return context.Error("line '" + line + "' of added_token is not TOKEN=ID");
    tokens.push_back(line.substr(0, equals));
    ids.push_back(std::stoll(number));
  }
  attrs.Set("added_tokens", std::move(tokens));
  attrs.Set("added_ids", std::move(ids));
  return Status::Ok();
}

// What each of the library's operators calls its special tokens.
struct Style {
  const char* name;
  const char* unk;
  const char* bos;
  const char* eos;
  const char* pad;
};

Status ImportStyle(ImportContext& context, const Style& style) {
  const auto& outputs = context.node().outputs;
  if (outputs.size() > 2 && !outputs[2].name.empty())
    return context.Unsupported("output 'offset_mapping' is asked for, which is not computed",
                               "leave that output off");
  const std::string& model = context.attrs().String("model_name");
  const bool is_known =
      model.empty() || model == "GPT2" || model == "CodeGen" || model == "Roberta" || model == "CLIP";
  if (!is_known)
    return context.Unsupported("model_name '" + model + "' is none of GPT2, CodeGen, Roberta and CLIP");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId vocabulary, BytesOfAttr(context, "vocab"));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId merges, BytesOfAttr(context, "merges"));
  Attrs attrs = {{"style", std::string(model == "Roberta" ? "roberta"
                                       : model == "CLIP"  ? "clip"
                                                          : style.name)},
                 {"unk_token", std::string(style.unk)},
                 {"bos_token", std::string(style.bos)},
                 {"eos_token", std::string(style.eos)},
                 {"pad_token", std::string(style.pad)},
                 {"padding_length", context.attrs().Int("padding_length", -1)}};
  SLIPWAY_RETURN_IF_ERROR(ReadAdded(context, attrs));
  return context.Emit("BytePairTokenizer", {context.in(0), vocabulary, merges}, std::move(attrs));
}

Status ImportGpt2(ImportContext& context) {
  constexpr const char* kEnd = "<|endoftext|>";
  return ImportStyle(context, {"gpt2", kEnd, kEnd, kEnd, ""});
}

Status ImportRoberta(ImportContext& context) {
  return ImportStyle(context, {"roberta", "<unk>", "<s>", "</s>", "<pad>"});
}

Status ImportClip(ImportContext& context) {
  constexpr const char* kEnd = "<|endoftext|>";
  return ImportStyle(context, {"clip", kEnd, "<|startoftext|>", kEnd, kEnd});
}

}  // namespace

OpDef MakeBytePairTokenizer() {
  OpDef op;
  op.name = "BytePairTokenizer";
  op.group = "text";
  op.summary = "The tokens of texts by byte-level byte pair encoding, rows filled up to one length.";
  op.inputs = {{"text", {DType::kString}, "any shape: texts"},
               {"vocabulary", {DType::kU8}, "[bytes]: JSON, tokens and their ids (vocab.json)"},
               {"merges", {DType::kU8}, "[bytes]: a pair a line, best first (merges.txt)"}};
  op.outputs = {{"input_ids", {DType::kI64}, "[shape of text...,longest row]"},
                {"attention_mask", {DType::kI64}, "the same: 0 where filled up", Arity::kOptional}};
  op.attrs = {
      StringAttr(
          "style", "gpt2", {"gpt2", "roberta", "clip"},
          "roberta: between bos_token and eos_token; clip: so, too, spaces and capitals not counted, words "
          "end with </w>"),
      StringAttr("unk_token", "<|endoftext|>", {}, "for bytes that the vocabulary lacks"),
      StringAttr("bos_token", "<|endoftext|>", {}, "at the start"),
      StringAttr("eos_token", "<|endoftext|>", {}, "at the end"),
      StringAttr("pad_token", "", {}, "fills rows up; empty: token 0"),
      IntAttr("padding_length", -1, "tokens of each row, longer ones cut off; -1: as the longest"),
      StringsAttr("added_tokens", {}, "further tokens, taken wherever they stand in a text"),
      IntsAttr("added_ids", {}, "theirs")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = ExtensionRows("GPT2Tokenizer", ImportGpt2);
  for (ForeignRow& row : ExtensionRows("RobertaTokenizer", ImportRoberta))
    op.foreign.push_back(std::move(row));
  for (ForeignRow& row : ExtensionRows("CLIPTokenizer", ImportClip)) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
