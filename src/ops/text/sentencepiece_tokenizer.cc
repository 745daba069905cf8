// Texts to the pieces of a SentencePiece model.
//
// As onnxruntime-extensions' SentencepieceTokenizer and TensorFlow Text's SentencepieceTokenizeOp. Always the
// likeliest pieces: sampling others (nbest_size, alpha) is refused where TensorFlow would sample;
// onnxruntime-extensions never does.
#include <algorithm>

#include "ops/infer.h"
#include "ops/text/extensions.h"
#include "ops/text/sentencepiece_model.h"

namespace slipway {
namespace {

enum Operand : size_t { kText = 0, kModel, kAddBos, kAddEos, kReverse, kFairseq };

Status Infer(InferContext& context) {
  const auto& text = context.shape(kText);
  if (const Tensor* model = context.constant(kModel)) {
    const auto parsed = SentencePieceModel::Get(BytesOf(*model));
    if (!parsed.ok()) return context.Error(parsed.status().message(), parsed.status().hint());
  }
  const bool is_vector = text && text->size() == 1 && (*text)[0].IsKnown();
  context.SetOutput(0, DType::kI32, {Dim()});
  context.SetOutput(1, DType::kI64, {is_vector ? Dim((*text)[0].value() + 1) : Dim()});
  context.SetOutput(2, DType::kI32, {Dim()});
  return Status::Ok();
}

Result<bool> Flag(const RunContext& context, size_t i) {
  if (!context.HasInput(i)) return false;
  const Tensor& flag = context.in(i);
  if (flag.count() != 1)
    return context.Error(context.node().op + "'s flags are one boolean each, one is " + Describe(flag));
  return *flag.as<uint8_t>() != 0;
}

struct Flags {
  bool add_bos = false;
  bool add_eos = false;
  bool reverse = false;
  bool fairseq = false;
};

Result<Flags> FlagsOf(const RunContext& context) {
  Flags flags;
  SLIPWAY_ASSIGN_OR_RETURN(flags.add_bos, Flag(context, kAddBos));
  SLIPWAY_ASSIGN_OR_RETURN(flags.add_eos, Flag(context, kAddEos));
  SLIPWAY_ASSIGN_OR_RETURN(flags.reverse, Flag(context, kReverse));
  SLIPWAY_ASSIGN_OR_RETURN(flags.fairseq, Flag(context, kFairseq));
  return flags;
}

// fairseq's vocabulary has <s>, <pad>, </s>, <unk> where SentencePiece's has <unk>, <s>, </s>.
int32_t FairseqId(int32_t id) {
  if (id == 0) return 3;
  if (id == 1) return 0;
  return id == 2 ? 2 : id + 1;
}

Result<std::vector<SentencePiece>> Tokens(const SentencePieceModel& model, const std::string& text,
                                          const Flags& flags) {
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<SentencePiece> tokens, model.Encode(text));
  if (flags.add_bos) tokens.insert(tokens.begin(), {model.bos_id(), 0});
  if (flags.add_eos) tokens.push_back({model.eos_id(), static_cast<int32_t>(text.size())});
  if (flags.reverse) std::reverse(tokens.begin(), tokens.end());
  if (flags.fairseq && !flags.reverse) {  // as the library has it
    for (SentencePiece& token : tokens) token.id = FairseqId(token.id);
  }
  return tokens;
}

Status Reference(RunContext& context) {
  const auto model = SentencePieceModel::Get(BytesOf(context.in(kModel)));
  if (!model.ok()) return context.Error(model.status().message(), model.status().hint());
  SLIPWAY_ASSIGN_OR_RETURN(const Flags flags, FlagsOf(context));
  std::vector<int64_t> ids, begins, splits = {0};
  for (const std::string& text : context.in(kText).values<std::string>()) {
    if (text.size() > INT32_MAX) return context.Error("a text has more than 2 GiB");
    const auto tokens = Tokens(**model, text, flags);
    if (!tokens.ok()) return context.Error(tokens.status().message(), tokens.status().hint());
    for (const SentencePiece& token : *tokens) {
      ids.push_back(token.id);
      begins.push_back(token.begin);
    }
    splits.push_back(static_cast<int64_t>(ids.size()));
  }
  PutInts(context, 0, ids);
  PutInts(context, 1, splits);
  PutInts(context, 2, begins);
  return Status::Ok();
}

// (texts, nbest_size, alpha, add_bos, add_eos, reverse, fairseq)
Status ImportExtension(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId model, BytesOfAttr(context, "model"));
  return context.Emit("SentencepieceTokenizer",
                      {context.in(0), model, context.in(3), context.in(4), context.in(5), context.in(6)});
}

// The resource that TensorFlow keeps the model in: here its bytes themselves.
Status ImportModel(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId model, BytesOfAttr(context, "model"));
  context.Bind(0, model);
  return Status::Ok();
}

// (model, texts, nbest_size, alpha, add_bos, add_eos, reverse)
Status ImportTensorflow(ImportContext& context) {
  if (context.type(context.in(0)).dtype != DType::kU8)
    return context.Unsupported("the model comes from elsewhere than a SentencepieceOp",
                               "keep the tokenizer in the graph that uses it");
  if (context.attrs().Type("out_type", DType::kI32) != DType::kI32)
    return context.Unsupported("it gives pieces as text", "create the tokenizer with out_type=tf.int32");
  SLIPWAY_ASSIGN_OR_RETURN(const double nbest_size, context.ConstantScalar(2, 0));
  if (nbest_size != 0 && nbest_size != 1)
    return context.Unsupported("it draws pieces at random (nbest_size " + std::to_string(nbest_size) + ")",
                               "create the tokenizer with nbest_size=0 for inference");
  return context.Emit("SentencepieceTokenizer",
                      {context.in(1), context.in(0), context.in(4), context.in(5), context.in(6)});
}

}  // namespace

OpDef MakeSentencepieceTokenizer() {
  const DTypeSet flag = kBools;
  OpDef op;
  op.name = "SentencepieceTokenizer";
  op.group = "text";
  op.summary = "The tokens of texts by a SentencePiece model, one text after another.";
  op.inputs = {
      {"text", {DType::kString}, "any shape: texts"},
      {"model", {DType::kU8}, "[bytes]: a serialised ModelProto (spiece.model)"},
      {"add_bos", flag, "1 boolean: the model's beginning-of-sentence token first", Arity::kOptional},
      {"add_eos", flag, "1 boolean: its end-of-sentence token last", Arity::kOptional},
      {"reverse", flag, "1 boolean: the tokens of each text from back to front, the added ones included",
       Arity::kOptional},
      {"fairseq", flag, "1 boolean: ids as fairseq counts them (XLM-RoBERTa)", Arity::kOptional}};
  op.outputs = {
      {"ids", {DType::kI32}, "[tokens]"},
      {"row_splits", {DType::kI64}, "[texts + 1]: where each text's tokens begin", Arity::kOptional},
      {"begins", {DType::kI32}, "[tokens]: byte of the text", Arity::kOptional}};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = ExtensionRows("SentencepieceTokenizer", ImportExtension);
  op.foreign.push_back({Format::kTflite, "FlexSentencepieceOp", 1, INT_MAX, ImportModel});
  op.foreign.push_back({Format::kTflite, "FlexSentencepieceTokenizeOp", 1, INT_MAX, ImportTensorflow});
  op.foreign.push_back({Format::kTensorflow, "SentencepieceOp", 1, INT_MAX, ImportModel});
  op.foreign.push_back({Format::kTensorflow, "SentencepieceTokenizeOp", 1, INT_MAX, ImportTensorflow});
  return op;
}

}  // namespace slipway
