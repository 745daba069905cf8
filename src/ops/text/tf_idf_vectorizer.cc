// Counts of known n-grams in sequences, weighted by how rare they are.
//
// Source: ONNX TfIdfVectorizer-9. The items of an n-gram may stand up to max_skip_count items apart, always
// evenly; single items are counted once, however many skips there are.
#include <algorithm>
#include <map>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

// One past the largest place that an n-gram is counted at.
Result<int64_t> ColumnsOf(const InferContext& context) {
  const Ints& places = context.attrs().IntList("ngram_indexes");
  const auto most = std::max_element(places.begin(), places.end());
  const bool is_wrong =
      most == places.end() || *std::min_element(places.begin(), places.end()) < 0 || *most >= INT32_MAX;
  if (is_wrong) return context.Error("ngram_indexes must be numbers from 0 on, one per n-gram");
  return *most + 1;
}

// What ngram_counts cuts the pool into: the k-th part holds n-grams of k + 1 items.
struct PoolPart {
  int64_t begin, end, length;
};

std::vector<PoolPart> PartsOf(const Ints& starts, int64_t pool_size) {
  std::vector<PoolPart> parts;
  for (size_t i = 0; i < starts.size(); ++i) {
    parts.push_back(
        {starts[i], i + 1 < starts.size() ? starts[i + 1] : pool_size, static_cast<int64_t>(i) + 1});
  }
  return parts;
}

Status CheckPool(const InferContext& context) {
  const Attrs& attrs = context.attrs();
  const bool is_text = context.dtype(0) == DType::kString;
  const size_t size = is_text ? attrs.StringList("pool_strings").size() : attrs.IntList("pool_int64s").size();
  int64_t num_grams = 0;
  for (const PoolPart& part : PartsOf(attrs.IntList("ngram_counts"), static_cast<int64_t>(size))) {
    const bool fits = part.begin >= 0 && part.begin <= part.end && part.end <= static_cast<int64_t>(size) &&
                      (part.end - part.begin) % part.length == 0;
    if (!fits) {
      return context.Error("ngram_counts gives " + std::to_string(part.length) + "-grams the items from " +
                           std::to_string(part.begin) + " to " + std::to_string(part.end) + " of a pool of " +
                           std::to_string(size));
    }
    num_grams += (part.end - part.begin) / part.length;
  }
  const size_t num_places = attrs.IntList("ngram_indexes").size();
  if (num_grams != static_cast<int64_t>(num_places))
    return context.Error("the pool has " + std::to_string(num_grams) + " n-grams, ngram_indexes " +
                         std::to_string(num_places));
  const size_t num_weights = attrs.FloatList("weights").size();
  if (num_weights != 0 && num_weights != num_places)
    return context.Error("there are " + std::to_string(num_weights) + " weights for " +
                         std::to_string(num_places) + " n-grams");
  return Status::Ok();
}

Status Infer(InferContext& context) {
  const Attrs& attrs = context.attrs();
  const auto& x = context.shape(0);
  if (x && x->size() > 2) return context.Error("x is " + ToString(*x) + "; it must be [C] or [N,C]");
  if (attrs.Int("min_gram_length") < 1 || attrs.Int("max_gram_length") < attrs.Int("min_gram_length") ||
      attrs.Int("max_skip_count") < 0)
    return context.Error(
        "min_gram_length must be 1 or more, max_gram_length no less, max_skip_count not negative");
  SLIPWAY_RETURN_IF_ERROR(CheckPool(context));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t columns, ColumnsOf(context));
  Type type = Type::OfUnknownShape(DType::kF32);
  if (x) type.shape = x->size() == 2 ? DimList{(*x)[0], columns} : DimList{columns};
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

// The number of each n-gram; items are strings or integers.
template <class Item>
using Grams = std::map<std::vector<Item>, size_t>;

template <class Item>
Grams<Item> ReadPool(const Ints& starts, const std::vector<Item>& pool) {
  Grams<Item> grams;
  size_t number = 0;
  for (const PoolPart& part : PartsOf(starts, static_cast<int64_t>(pool.size()))) {
    for (int64_t at = part.begin; at < part.end; at += part.length)
      grams.emplace(std::vector<Item>(pool.begin() + at, pool.begin() + at + part.length), number++);
  }
  return grams;
}

struct Lengths {
  int64_t shortest, longest, most_skips;
};

// count(number of the n-gram) for every n-gram found in the row.
template <class Item, class Count>
void FindGrams(const Grams<Item>& grams, std::span<const Item> row, const Lengths& lengths,
               const Count& count) {
  const auto size = static_cast<int64_t>(row.size());
  for (int64_t length = lengths.shortest; length <= std::min(lengths.longest, size); ++length) {
    const int64_t last_step = length == 1 ? 1 : lengths.most_skips + 1;
    for (int64_t step = 1; step <= last_step && (length - 1) <= (size - 1) / step; ++step) {
      for (int64_t first = 0; first + (length - 1) * step < size; ++first) {
        std::vector<Item> gram;
        for (int64_t k = 0; k < length; ++k) gram.push_back(row[static_cast<size_t>(first + k * step)]);
        if (const auto found = grams.find(gram); found != grams.end()) count(found->second);
      }
    }
  }
}

// x: all rows' items.
template <class Item>
Status Vectorize(RunContext& context, const std::vector<Item>& pool, const std::vector<Item>& x) {
  const Attrs& attrs = context.attrs();
  const Grams<Item> grams = ReadPool(attrs.IntList("ngram_counts"), pool);
  // No n-gram of the pool is longer than the number of its parts.
  const auto longest = static_cast<int64_t>(attrs.IntList("ngram_counts").size());
  const Lengths lengths{attrs.Int("min_gram_length"), std::min(attrs.Int("max_gram_length"), longest),
                        attrs.Int("max_skip_count")};
  const Ints& places = attrs.IntList("ngram_indexes");
  const Floats& weights = attrs.FloatList("weights");
  const std::string& mode = attrs.String("mode");
  Tensor& y = context.out(0);
  const int64_t columns = y.dim(-1);
  const int64_t rows = y.rank() == 2 ? y.dim(0) : 1;
  const size_t items = rows == 0 ? 0 : x.size() / static_cast<size_t>(rows);
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<int64_t> counts(static_cast<size_t>(columns));
    std::vector<float> weight_of(static_cast<size_t>(columns), 1);
    for (size_t i = 0; i < weights.size(); ++i) weight_of[static_cast<size_t>(places[i])] = weights[i];
    FindGrams<Item>(grams, std::span(x).subspan(static_cast<size_t>(row) * items, items), lengths,
                    [&](size_t gram) { ++counts[static_cast<size_t>(places[gram])]; });
    for (size_t i = 0; i < counts.size(); ++i) {
      const auto count = static_cast<float>(mode == "IDF" ? std::min<int64_t>(counts[i], 1) : counts[i]);
      y.as<float>()[row * columns + static_cast<int64_t>(i)] = mode == "TF" ? count : count * weight_of[i];
    }
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Attrs& attrs = context.attrs();
  if (x.dtype() != DType::kString)
    return Vectorize<int64_t>(context, attrs.IntList("pool_int64s"), IntsOf(x));
  const auto texts = x.values<std::string>();
  return Vectorize<std::string>(context, attrs.StringList("pool_strings"), {texts.begin(), texts.end()});
}

}  // namespace

OpDef MakeTfIdfVectorizer() {
  OpDef op;
  op.name = "TfIdfVectorizer";
  op.group = "text";
  op.summary = "How often each known n-gram occurs in each row, weighted by how rare it is.";
  op.inputs = {{"x", {DType::kString, DType::kI32, DType::kI64}, "[C] or [N,C]: items"}};
  op.outputs = {
      {"y", {DType::kF32}, "[columns] or [N,columns], columns: the largest of ngram_indexes, plus 1"}};
  op.attrs = {
      Required(StringAttr("mode", "TF", {"TF", "IDF", "TFIDF"},
                          "the count; the weight where there is one or more; the count times the weight")),
      Required(IntAttr("min_gram_length", 1, "items of the shortest n-gram counted")),
      Required(IntAttr("max_gram_length", 1, "items of the longest n-gram counted")),
      Required(IntAttr("max_skip_count", 0, "items that may be skipped between those of an n-gram")),
      Required(IntsAttr("ngram_counts", {}, "where in the pool 1-grams, 2-grams ... begin")),
      Required(IntsAttr("ngram_indexes", {}, "column of each n-gram of the pool")),
      FloatsAttr("weights", {}, "of each n-gram of the pool; ones when empty"),
      IntsAttr("pool_int64s", {}, "items of all n-grams, for integer x"),
      StringsAttr("pool_strings", {}, "items of all n-grams, for strings")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const Attrs attrs = {{"mode", std::string("TFIDF")},
                         {"min_gram_length", int64_t{1}},
                         {"max_gram_length", int64_t{2}},
                         {"max_skip_count", int64_t{1}},
                         {"ngram_counts", Ints{0, 3}},
                         {"ngram_indexes", Ints{0, 1, 3, 2, 4}},
                         {"pool_int64s", Ints{0, 1, 2, 0, 1, 2, 2}},
                         {"weights", Floats{1, 2, 0.5F, 3, 1}}};
    return std::vector<TestCase>{
        {"rows", {{.dtype = DType::kI64, .dims = {3, 8}, .low = 0, .high = 3}}, attrs},
        {"row", {{.dtype = DType::kI32, .dims = {9}, .low = 0, .high = 3}}, attrs}};
  };
  op.foreign = {{Format::kOnnx, "TfIdfVectorizer", 9}};
  return op;
}

}  // namespace slipway
