// Generates text with a decoder that stands in a sub-graph: onnxruntime's BeamSearch for decoders of the
// GPT-2 kind.
//
// The decoder takes input_ids, position_ids and attention_mask (i32, [rows,tokens]), a past of every layer
// [2,rows,heads,length,size] and captures; it gives logits [rows,tokens,vocabulary] and the presents. Rows
// are the beams of all prompts. Padding tokens of the prompts are masked and have no position. Left out:
// encoders, masks of the vocabulary, the scores of every step.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/attention/beams.h"
#include "ops/contrib/contrib.h"
#include "ops/control/subgraph.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

enum Input : size_t {
  kIds,
  kMaxLength,
  kMinLength,
  kNumBeams,
  kNumReturned,
  kLengthPenalty,
  kRepetition,
  kMask,
  kFormal
};
constexpr size_t kDecoderFormal = 3;  // input_ids, position_ids, attention_mask; then the pasts

// The node's inputs behind the formal ones.
size_t NumCaptures(size_t num_inputs) { return num_inputs > kFormal ? num_inputs - kFormal : 0; }

Dim KnownNumber(const InferContext& context, size_t i) {
  const auto numbers = context.HasInput(i) ? context.ints(i) : std::nullopt;
  return numbers && numbers->size() == 1 && (*numbers)[0] >= 0 && (*numbers)[0] < INT32_MAX
             ? Dim((*numbers)[0])
             : Dim();
}

Status Infer(InferContext& context) {
  const GraphRef decoder = context.attrs().GraphOf("decoder");
  if (decoder == nullptr) return context.Error("lacks a decoder");
  const size_t captures = NumCaptures(context.num_inputs());
  const bool fits = decoder->inputs.size() >= kDecoderFormal + captures &&
                    decoder->outputs.size() == decoder->inputs.size() - kDecoderFormal - captures + 1;
  if (!fits) {
    return context.Error(
        "the decoder takes " + std::to_string(decoder->inputs.size()) + " values and gives " +
        std::to_string(decoder->outputs.size()) +
        "; it must take input_ids, position_ids, attention_mask and pasts, and give logits and as "
        "many presents");
  }
  Dim batch;
  if (context.shape(kIds)) {
    if (context.shape(kIds)->size() != 2) return context.Error("input_ids must have rank 2");
    batch = (*context.shape(kIds))[0];
  }
  if (context.HasInput(kMask) && context.shape(kMask) && context.shape(kIds) &&
      AllKnown(*context.shape(kMask)) && AllKnown(*context.shape(kIds)) &&
      *context.shape(kMask) != *context.shape(kIds)) {
    return context.Error("attention_mask " + ToString(*context.shape(kMask)) +
                         " must have the shape of input_ids " + ToString(*context.shape(kIds)));
  }
  const Dim returned = KnownNumber(context, kNumReturned);
  context.SetOutput(0, context.dtype(kIds), {batch, returned, KnownNumber(context, kMaxLength)});
  if (context.num_outputs() > 1) context.SetOutput(1, DType::kF32, {batch, returned});
  return Status::Ok();
}

Result<double> NumberIn(const RunContext& context, size_t i, double otherwise) {
  if (!context.HasInput(i)) return otherwise;
  const Tensor& tensor = context.in(i);
  if (tensor.count() == 1) return LoadReal(tensor.dtype(), tensor.data(), 0);
  return context.Error("input " + std::to_string(i) + " is " + Describe(tensor) + "; it must be one number");
}

struct Search {
  BeamRules rules;
  int64_t max_length = 0;
  int64_t num_returned = 1;
};

Result<Search> ReadSearch(const RunContext& context) {
  constexpr double kMost = 1 << 20;
  Search search;
  const auto count = [&](size_t i, double otherwise) -> Result<int64_t> {
    SLIPWAY_ASSIGN_OR_RETURN(const double number, NumberIn(context, i, otherwise));
    if (number >= 0 && number <= kMost) return static_cast<int64_t>(number);
    return context.Error("input " + std::to_string(i) + " is " + std::to_string(number) + ", out of range");
  };
  SLIPWAY_ASSIGN_OR_RETURN(search.max_length, count(kMaxLength, 0));
  SLIPWAY_ASSIGN_OR_RETURN(search.rules.min_length, count(kMinLength, 0));
  SLIPWAY_ASSIGN_OR_RETURN(search.rules.num_beams, count(kNumBeams, 1));
  SLIPWAY_ASSIGN_OR_RETURN(search.num_returned, count(kNumReturned, 1));
  SLIPWAY_ASSIGN_OR_RETURN(search.rules.length_penalty, NumberIn(context, kLengthPenalty, 1));
  SLIPWAY_ASSIGN_OR_RETURN(search.rules.repetition_penalty, NumberIn(context, kRepetition, 1));
  search.rules.eos = context.attrs().Int("eos_token_id");
  search.rules.pad = context.attrs().Int("pad_token_id");
  search.rules.no_repeat_ngram = std::max<int64_t>(context.attrs().Int("no_repeat_ngram_size"), 0);
  search.rules.is_early_stopping = context.attrs().Int("early_stopping") != 0;
  const int64_t length = context.in(kIds).dim(1);
  if (length < 1 || search.max_length <= length) {
    return context.Error("max_length is " + std::to_string(search.max_length) + ", the prompts have " +
                         std::to_string(length) + " tokens");
  }
  if (search.rules.num_beams < 1 || search.num_returned < 1 || search.num_returned > search.rules.num_beams) {
    return context.Error(std::to_string(search.num_returned) + " sequences of " +
                         std::to_string(search.rules.num_beams) + " beams cannot be returned");
  }
  constexpr int64_t kMostTokens = int64_t{1} << 28;
  if (context.in(kIds).dim(0) > kMostTokens / (search.rules.num_beams * search.max_length)) {
    return context.Error(std::to_string(search.rules.num_beams) + " beams of " +
                         std::to_string(search.max_length) + " tokens for " +
                         std::to_string(context.in(kIds).dim(0)) + " prompts are too many");
  }
  if (!(search.rules.repetition_penalty > 0)) return context.Error("repetition_penalty must be positive");
  return search;
}

// What the decoder is given; rows are beams of prompt 0, beams of prompt 1, ...
struct Feeds {
  std::vector<Tokens> ids, positions, mask;  // per row; ids and positions of the new tokens, mask of all
  std::vector<Datum> pasts;
};

Tensor Rows(const std::vector<Tokens>& rows, DType dtype) {
  Tensor tensor(dtype, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
  int64_t to = 0;
  for (const Tokens& row : rows) {
    for (int64_t token : row) StoreInt(dtype, tensor.data(), to++, token);
  }
  return tensor;
}

DType InputDType(const Graph& graph, size_t i, DType otherwise) {
  const DType dtype = graph.value(graph.inputs[i]).type.dtype;
  return dtype == DType::kNone ? otherwise : dtype;
}

// Pasts of no tokens, shaped as the decoder declares them.
Result<std::vector<Datum>> EmptyPasts(const RunContext& context, const Graph& decoder, int64_t rows) {
  std::vector<Datum> pasts;
  for (size_t i = 0; i + 1 < decoder.outputs.size(); ++i) {
    const Value& past = decoder.value(decoder.inputs[kDecoderFormal + i]);
    const auto& shape = past.type.shape;
    if (!shape || shape->size() != 5 || !(*shape)[2].IsKnown() || !(*shape)[4].IsKnown()) {
      return context.Error("the decoder's '" + past.name +
                           "' must be [2,rows,heads,length,size] with known heads "
                           "and size, and is " +
                           ToString(past.type));
    }
    pasts.push_back(Datum::Of(Tensor(InputDType(decoder, kDecoderFormal + i, DType::kF32),
                                     {2, rows, (*shape)[2].value(), 0, (*shape)[4].value()})));
  }
  return pasts;
}

Result<Feeds> FirstFeeds(const RunContext& context, const Graph& decoder, const Search& search) {
  const Tensor& ids = context.in(kIds);
  Feeds feeds;
  for (int64_t row = 0; row < ids.dim(0) * search.rules.num_beams; ++row) {
    Tokens tokens, positions, mask;
    int64_t place = 0;
    for (int64_t i = 0; i < ids.dim(1); ++i) {
      const int64_t at = row / search.rules.num_beams * ids.dim(1) + i;
      tokens.push_back(LoadInt(ids.dtype(), ids.data(), at));
      const bool is_seen = context.HasInput(kMask)
                               ? LoadInt(context.in(kMask).dtype(), context.in(kMask).data(), at) != 0
                               : tokens.back() != search.rules.pad;
      mask.push_back(is_seen ? 1 : 0);
      positions.push_back(is_seen ? place++ : 0);
    }
    feeds.ids.push_back(std::move(tokens));
    feeds.positions.push_back(std::move(positions));
    feeds.mask.push_back(std::move(mask));
  }
  SLIPWAY_ASSIGN_OR_RETURN(feeds.pasts, EmptyPasts(context, decoder, static_cast<int64_t>(feeds.ids.size())));
  return feeds;
}

// Logits of every row's last token as log probabilities.
Result<std::vector<std::vector<double>>> LogProbabilities(const RunContext& context, const Tensor& logits,
                                                          int64_t rows) {
  if (logits.IsNone() || !IsFloat(logits.dtype()) || logits.rank() != 3 || logits.dim(0) != rows ||
      logits.dim(1) < 1) {
    return context.Error("the decoder gave logits " + Describe(logits) + " for " + std::to_string(rows) +
                         " rows");
  }
  const int64_t vocabulary = logits.dim(2);
  std::vector<std::vector<double>> result;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t first = (row * logits.dim(1) + logits.dim(1) - 1) * vocabulary;
    std::vector<double> values(static_cast<size_t>(vocabulary));
    double largest = -INFINITY;
    for (int64_t i = 0; i < vocabulary; ++i) {
      values[static_cast<size_t>(i)] = LoadReal(logits.dtype(), logits.data(), first + i);
      largest = std::max(largest, values[static_cast<size_t>(i)]);
    }
    double sum = 0;
    for (double value : values) sum += std::exp(value - largest);
    for (double& value : values) value -= largest + std::log(sum);
    result.push_back(std::move(values));
  }
  return result;
}

// Rows `sources` of [2,rows,...].
Result<Datum> PastOf(const RunContext& context, const Tensor& present, const std::vector<int64_t>& sources) {
  const auto rows = static_cast<int64_t>(sources.size());
  if (present.IsNone() || present.rank() != 5 || present.dim(1) != rows) {
    return context.Error("the decoder gave a present " + Describe(present) + " for " + std::to_string(rows) +
                         " rows");
  }
  Tensor past(present.dtype(), present.dims());
  const std::vector<int64_t> strides = DenseStrides(present.dims());
  Dims one = present.dims();
  one[1] = 1;
  for (size_t row = 0; row < sources.size(); ++row) {
    CopyStrided(present.dtype(), present.data(), {sources[row] * strides[1], strides}, past.data(),
                {static_cast<int64_t>(row) * strides[1], strides}, one);
  }
  return Datum::Of(std::move(past));
}

// One call of the decoder: the beams grow by a token, the feeds become those of the next call.
Status Step(const RunContext& context, const Graph& decoder, Feeds& feeds, std::vector<BeamGroup>& groups) {
  std::vector<Datum> arguments = {Datum::Of(Rows(feeds.ids, InputDType(decoder, 0, DType::kI32))),
                                  Datum::Of(Rows(feeds.positions, InputDType(decoder, 1, DType::kI32))),
                                  Datum::Of(Rows(feeds.mask, InputDType(decoder, 2, DType::kI32)))};
  arguments.insert(arguments.end(), feeds.pasts.begin(), feeds.pasts.end());
  for (size_t i = kFormal; i < context.num_inputs(); ++i) arguments.push_back(context.in_datum(i));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results, context.RunGraph(decoder, arguments));
  const auto rows = static_cast<int64_t>(feeds.ids.size());
  SLIPWAY_ASSIGN_OR_RETURN(auto scores, LogProbabilities(context, results[0].tensor, rows));
  std::vector<int64_t> sources;
  Feeds next;
  for (size_t g = 0; g < groups.size(); ++g) {
    const auto beams = static_cast<int64_t>(groups[g].beams().size());
    const int64_t first = static_cast<int64_t>(g) * beams;
    groups[g].Step({scores.begin() + first, scores.begin() + first + beams});
    for (const Beam& beam : groups[g].beams()) {
      const auto source = static_cast<size_t>(first + beam.source);
      sources.push_back(static_cast<int64_t>(source));
      next.ids.push_back({beam.tokens.back()});
      int64_t place = 0;
      for (int64_t mark : feeds.mask[source]) place += mark;
      next.positions.push_back({place});
      next.mask.push_back(feeds.mask[source]);
      next.mask.back().push_back(1);
    }
  }
  for (size_t i = 1; i < results.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(Datum past, PastOf(context, results[i].tensor, sources));
    next.pasts.push_back(std::move(past));
  }
  feeds = std::move(next);
  return Status::Ok();
}

void StoreTexts(const RunContext& context, const Search& search, std::vector<BeamGroup>& groups) {
  const auto batch = static_cast<int64_t>(groups.size());
  Tensor& texts = context.AllocateOutput(0, {batch, search.num_returned, search.max_length});
  Tensor* scores = context.HasOutput(1) ? &context.AllocateOutput(1, {batch, search.num_returned}) : nullptr;
  int64_t row = 0;
  for (BeamGroup& group : groups) {
    for (const Beam& beam : group.Finish(search.num_returned)) {
      for (int64_t i = 0; i < search.max_length; ++i) {
        const bool is_text = i < static_cast<int64_t>(beam.tokens.size());
        StoreInt(texts.dtype(), texts.data(), row * search.max_length + i,
                 is_text ? beam.tokens[static_cast<size_t>(i)] : search.rules.pad);
      }
      if (scores != nullptr) StoreReal(scores->dtype(), scores->data(), row, beam.score);
      ++row;
    }
  }
}

Status Reference(RunContext& context) {
  const GraphRef decoder = context.attrs().GraphOf("decoder");
  SLIPWAY_ASSIGN_OR_RETURN(const Search search, ReadSearch(context));
  SLIPWAY_ASSIGN_OR_RETURN(Feeds feeds, FirstFeeds(context, *decoder, search));
  std::vector<BeamGroup> groups;
  for (size_t row = 0; row < feeds.ids.size(); row += static_cast<size_t>(search.rules.num_beams)) {
    groups.emplace_back(search.rules, feeds.ids[row]);
  }
  const auto is_done = [](const BeamGroup& group) { return group.is_done(); };
  for (int64_t length = context.in(kIds).dim(1); length < search.max_length; ++length) {
    if (std::all_of(groups.begin(), groups.end(), is_done)) break;
    SLIPWAY_RETURN_IF_ERROR(Step(context, *decoder, feeds, groups));
  }
  StoreTexts(context, search, groups);
  return Status::Ok();
}

Status Import(ImportContext& context) {
  for (const char* name : {"encoder", "init_decoder"}) {
    if (context.attrs().Has(name))
      return context.Unsupported(std::string("sub-graph '") + name + "' is not supported");
  }
  SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, "model_type"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 7, "vocab_mask"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 8, "prefix_vocab_mask"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 10, "decoder_input_ids"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 11, "logits_processor"));
  if (WantsOutput(context, 2)) return context.Unsupported("the scores of every step are not available");
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < 7; ++i) inputs.push_back(context.in(i));
  inputs.push_back(context.in(9));
  inputs.insert(inputs.end(), context.node().captures.begin(), context.node().captures.end());
  Attrs attrs;
  for (const AttrDef& def : context.op().attrs) {
    if (const Attr* attr = context.attrs().Find(def.name)) attrs.Set(def.name, *attr);
  }
  return Finish(context, "BeamSearch", std::move(inputs), std::move(attrs), {0, 1});
}

}  // namespace

OpDef MakeBeamSearch() {
  OpDef op;
  op.name = "BeamSearch";
  op.group = "attention";
  op.summary = "Generates text with a decoder, keeping the best beams at every step.";
  op.inputs = {{"input_ids", kIndices, "[B,L], the prompts"},
               {"max_length", kIndices, "one number: tokens of a result, prompt included"},
               {"min_length", kIndices, "one number: no text ends before", Arity::kOptional},
               {"num_beams", kIndices, "one number"},
               {"num_return_sequences", kIndices, "one number, at most num_beams"},
               {"length_penalty", kFloats,
                "one number: a text's score is divided by length^penalty; absent: 1", Arity::kOptional},
               {"repetition_penalty", kFloats,
                "one number: log probabilities of tokens in the text are multiplied by it; "
                "absent: 1",
                Arity::kOptional},
               {"attention_mask", kIndices, "[B,L], 0: padding; absent: where input_ids is pad_token_id",
                Arity::kOptional},
               {"captures", kAnyType, "behind the decoder's formal inputs", Arity::kVariadic}};
  op.outputs = {{"sequences", kIndices, "[B,num_return_sequences,max_length], best first, padded"},
                {"scores", {DType::kF32}, "[B,num_return_sequences]", Arity::kOptional}};
  op.attrs = {
      GraphAttr("decoder", "input_ids, position_ids, attention_mask, pasts, captures -> logits, presents"),
      Required(IntAttr("eos_token_id", 0, "ends a text")), Required(IntAttr("pad_token_id", 0, "fills up")),
      IntAttr("no_repeat_ngram_size", 0, "no group of so many tokens stands twice in a text; 0: any may"),
      IntAttr("early_stopping", 0, "1: stop at num_beams finished texts, better ones or not")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {ContribRow("BeamSearch", Import)};
  return op;
}

}  // namespace slipway
