// Tokens of a SentencePiece model back to text: onnxruntime-extensions' SentencepieceDecoder.
#include "ops/infer.h"
#include "ops/text/extensions.h"
#include "ops/text/sentencepiece_model.h"

namespace slipway {
namespace {

enum Operand : size_t { kIds = 0, kModel, kFairseq };

Status Infer(InferContext& context) {
  const auto& ids = context.shape(kIds);
  const bool is_row =
      !ids || ids->size() == 1 || (ids->size() == 2 && !((*ids)[0].IsKnown() && (*ids)[0].value() != 1));
  if (!is_row) return context.Error("ids are " + ToString(*ids) + "; they must be [n] or [1,n]");
  if (const Tensor* model = context.constant(kModel)) {
    const auto parsed = SentencePieceModel::Get(BytesOf(*model));
    if (!parsed.ok()) return context.Error(parsed.status().message(), parsed.status().hint());
  }
  context.SetOutput(0, DType::kString, {1});
  return Status::Ok();
}

// See sentencepiece_tokenizer.cc.
int64_t FromFairseq(int64_t id) {
  if (id == 3) return 0;
  if (id == 0) return 1;
  return id == 2 ? 2 : id - 1;
}

Status Reference(RunContext& context) {
  const auto model = SentencePieceModel::Get(BytesOf(context.in(kModel)));
  if (!model.ok()) return context.Error(model.status().message(), model.status().hint());
  bool is_fairseq = false;
  if (context.HasInput(kFairseq)) {
    if (context.in(kFairseq).count() != 1) return context.Error("fairseq is one boolean");
    is_fairseq = *context.in(kFairseq).as<uint8_t>() != 0;
  }
  std::vector<int> ids;
  for (int64_t id : context.in(kIds).values<int64_t>()) {
    if (is_fairseq) id = FromFairseq(id);
    if (id < 0 || id > INT32_MAX)
      return context.Error("token " + std::to_string(id) + " is not in the vocabulary");
    ids.push_back(static_cast<int>(id));
  }
  const auto text = (*model)->Decode(ids);
  if (!text.ok()) return context.Error(text.status().message(), text.status().hint());
  context.AllocateOutput(0, {1}).as<std::string>()[0] = *text;
  return Status::Ok();
}

Status Import(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId model, BytesOfAttr(context, "model"));
  return context.Emit("SentencepieceDecoder", {context.in(0), model, context.in(1)});
}

}  // namespace

OpDef MakeSentencepieceDecoder() {
  OpDef op;
  op.name = "SentencepieceDecoder";
  op.group = "text";
  op.summary = "The text that tokens of a SentencePiece model stand for.";
  op.inputs = {{"ids", {DType::kI64}, "[n] or [1,n]"},
               {"model", {DType::kU8}, "[bytes]: a serialised ModelProto (spiece.model)"},
               {"fairseq", kBools, "1 boolean: ids as fairseq counts them (XLM-RoBERTa)", Arity::kOptional}};
  op.outputs = {{"text", {DType::kString}, "[1]"}};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = ExtensionRows("SentencepieceDecoder", Import);
  return op;
}

}  // namespace slipway
