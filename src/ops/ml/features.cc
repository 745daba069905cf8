// Columns of features: chosen, joined, filled in, scaled.
//
// Source: ai.onnx.ml, version 1, of the operators named below.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/ml/ml.h"

namespace slipway {
namespace {

OpDef FeatureOp(const char* name, const char* summary, DTypeSet out) {
  OpDef op;
  op.name = name;
  op.group = "ml";
  op.summary = summary;
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]"}};
  op.outputs = {{"y", out, "the shape of x"}};
  op.foreign = {{Format::kOnnx, name, 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

Status InferF32(InferContext& context) {
  Type type = context.input(0);
  type.dtype = DType::kF32;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

// A list per feature, or of one for all.
Status CheckList(const InferContext& context, const char* name, size_t size) {
  const int64_t features = FeaturesOf(context);
  if (size == 0) return context.Error(std::string(name) + " is missing");
  if (size == 1 || features < 0 || static_cast<int64_t>(size) == features) return Status::Ok();
  return context.Error(std::string(name) + " has " + std::to_string(size) + " values, x " +
                       std::to_string(features) + " features");
}

template <class List>
auto EntryOf(const List& list, int64_t feature) {
  return list[list.size() == 1 ? 0 : static_cast<size_t>(feature)];
}

// y[i] = f(x[i], feature).
template <class F>
Status ForEachFeature(RunContext& context, const F& f) {
  const Tensor& x = context.in(0);
  Tensor& y = context.AllocateOutput(0, x.dims());
  const int64_t features = x.rank() == 0 ? 1 : x.dim(-1);
  for (int64_t i = 0; i < x.count(); ++i)
    StoreReal(y.dtype(), y.data(), i, f(LoadReal(x.dtype(), x.data(), i), i % features));
  return Status::Ok();
}

Status InferScaler(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckList(context, "offset", context.attrs().FloatList("offset").size()));
  SLIPWAY_RETURN_IF_ERROR(CheckList(context, "scale", context.attrs().FloatList("scale").size()));
  return InferF32(context);
}

Status RunScaler(RunContext& context) {
  const Floats& offset = context.attrs().FloatList("offset");
  const Floats& scale = context.attrs().FloatList("scale");
  return ForEachFeature(context, [&](double x, int64_t feature) {
    return (x - static_cast<double>(EntryOf(offset, feature))) * static_cast<double>(EntryOf(scale, feature));
  });
}

Status InferImputer(InferContext& context) {
  const bool is_float = IsFloat(context.dtype(0));
  const char* name = is_float ? "imputed_value_floats" : "imputed_value_int64s";
  const size_t size =
      is_float ? context.attrs().FloatList(name).size() : context.attrs().IntList(name).size();
  SLIPWAY_RETURN_IF_ERROR(CheckList(context, name, size));
  return InferSameAsInput(context);
}

Status RunImputer(RunContext& context) {
  const Attrs& attrs = context.attrs();
  if (IsFloat(context.in(0).dtype())) {
    const Floats& values = attrs.FloatList("imputed_value_floats");
    const auto missing = static_cast<double>(attrs.Float("replaced_value_float"));
    return ForEachFeature(context, [&](double x, int64_t feature) {
      const bool is_missing = std::isnan(missing) ? std::isnan(x) : x == missing;
      return is_missing ? static_cast<double>(EntryOf(values, feature)) : x;
    });
  }
  const Ints& values = attrs.IntList("imputed_value_int64s");
  const int64_t missing = attrs.Int("replaced_value_int64");
  const Tensor& x = context.in(0);
  Tensor& y = context.AllocateOutput(0, x.dims());
  const int64_t features = x.rank() == 0 ? 1 : x.dim(-1);
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t value = LoadInt(x.dtype(), x.data(), i);
    StoreInt(y.dtype(), y.data(), i, value == missing ? EntryOf(values, i % features) : value);
  }
  return Status::Ok();
}

Status RunBinarizer(RunContext& context) {
  const auto threshold = static_cast<double>(context.attrs().Float("threshold"));
  return ForEachFeature(context, [&](double x, int64_t) { return x > threshold ? 1 : 0; });
}

double NormOf(const std::string& kind, const std::vector<double>& row) {
  double norm = kind == "MAX" ? -INFINITY : 0;
  for (double value : row) {
    if (kind == "MAX") norm = std::max(norm, value);
    if (kind == "L1") norm += std::fabs(value);
    if (kind == "L2") norm += value * value;
  }
  return kind == "L2" ? std::sqrt(norm) : norm;
}

Status RunNormalizer(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.AllocateOutput(0, x.dims());
  const int64_t features = x.rank() == 0 ? 1 : x.dim(-1);
  for (int64_t n = 0; features > 0 && n < x.count() / features; ++n) {
    const std::vector<double> row = RealsOfRow(x, n, features);
    const double norm = NormOf(context.attrs().String("norm"), row);
    for (int64_t k = 0; k < features; ++k) {
      const double value = row[static_cast<size_t>(k)];
      StoreReal(y.dtype(), y.data(), n * features + k, norm == 0 ? value : value / norm);
    }
  }
  return Status::Ok();
}

Status InferVectorizer(InferContext& context) {
  const Ints& columns = context.attrs().IntList("inputdimensions");
  if (columns.size() != context.num_inputs())
    return context.Error("inputdimensions has " + std::to_string(columns.size()) + " numbers for " +
                         std::to_string(context.num_inputs()) + " inputs");
  Dim samples;
  int64_t total = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] < 0 || columns[i] > INT32_MAX) return context.Error("inputdimensions must be 0 or more");
    total += columns[i];
    const auto& x = context.shape(i);
    if (!x) continue;
    if (x->empty() || x->size() > 2)
      return context.Error("input " + std::to_string(i) + " is " + ToString(*x) +
                           "; it must be [features] or [N,features]");
    const Dim& own = x->size() == 2 ? (*x)[0] : Dim(1);
    if (samples.IsKnown() && own.IsKnown() && samples.value() != own.value())
      return context.Error("inputs have " + samples.ToString() + " and " + own.ToString() + " samples");
    if (!samples.IsKnown()) samples = own;
  }
  context.SetOutput(0, DType::kF32, {samples, total});
  return Status::Ok();
}

Status RunVectorizer(RunContext& context) {
  const Ints& columns = context.attrs().IntList("inputdimensions");
  const int64_t samples = RowsOf(context.in(0)).samples;
  int64_t total = 0;
  for (int64_t each : columns) total += each;
  SLIPWAY_RETURN_IF_ERROR(ElementCount(Dims{samples, total}).status());
  Tensor& y = context.AllocateOutput(0, {samples, total});
  int64_t first = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    const Tensor& x = context.in(i);
    const int64_t features = RowsOf(x).features;
    for (int64_t n = 0; n < samples; ++n) {
      for (int64_t k = 0; k < columns[i]; ++k) {
        const double value = k < features ? LoadReal(x.dtype(), x.data(), n * features + k) : 0;
        StoreReal(y.dtype(), y.data(), n * total + first + k, value);
      }
    }
    first += columns[i];
  }
  return Status::Ok();
}

Status InferExtractor(InferContext& context) {
  const auto& x = context.shape(0);
  if (!x) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  if (x->empty()) return context.Error("x is a scalar; it must have features");
  DimList shape = *x;
  if (shape.size() == 1) shape.insert(shape.begin(), 1);
  shape.back() = Dim();
  if (context.shape(1)) {
    shape.back() = 1;
    for (const Dim& dim : *context.shape(1)) shape.back() = shape.back() * dim;
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status RunExtractor(RunContext& context) {
  const Tensor& x = context.in(0);
  const std::vector<int64_t> columns = IntsOf(context.in(1));
  const int64_t features = x.dim(-1);
  Dims dims = x.dims();
  if (dims.size() == 1) dims.insert(dims.begin(), 1);
  dims.back() = static_cast<int64_t>(columns.size());
  Tensor& y = context.AllocateOutput(0, dims);
  for (int64_t column : columns) {
    if (column < 0 || column >= features)
      return context.Error("feature " + std::to_string(column) + " is none of " + std::to_string(features));
  }
  for (int64_t i = 0; i < y.count(); ++i) {
    const int64_t row = i / dims.back();
    CopyElement(x.dtype(), x.data(), row * features + columns[static_cast<size_t>(i % dims.back())], y.data(),
                i);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeScaler() {
  OpDef op = FeatureOp("Scaler", "Each feature less its offset, times its scale.", {DType::kF32});
  op.formula = "y = (x - offset) * scale";
  op.attrs = {FloatsAttr("offset", {}, "per feature, or one for all"),
              FloatsAttr("scale", {}, "per feature, or one for all")};
  op.infer = InferScaler;
  op.reference = RunScaler;
  op.cases = [] {
    return std::vector<TestCase>{
        {"rows", {{.dims = {4, 3}}}, {{"offset", Floats{1, 2, 3}}, {"scale", Floats{0.5F, 2, 1}}}},
        {"one_for_all",
         {{.dtype = DType::kI64, .dims = {5}}},
         {{"offset", Floats{1}}, {"scale", Floats{0.5F}}}}};
  };
  return op;
}

OpDef MakeImputer() {
  OpDef op = FeatureOp("Imputer", "Values that stand for missing ones are replaced.", kMlNumbers);
  op.attrs = {FloatsAttr("imputed_value_floats", {}, "per feature, or one for all"),
              FloatAttr("replaced_value_float", 0, "what stands for a missing value; NaN is equal to NaN"),
              IntsAttr("imputed_value_int64s", {}, "the same for integers"),
              IntAttr("replaced_value_int64", 0, "the same for integers")};
  op.infer = InferImputer;
  op.reference = RunImputer;
  op.cases = [] {
    return std::vector<TestCase>{{"float",
                                  {{.dims = {2, 2}, .values = {1, -1, -1, 2}}},
                                  {{"imputed_value_floats", Floats{7, 8}}, {"replaced_value_float", -1.0F}}},
                                 {"int",
                                  {{.dtype = DType::kI64, .dims = {4}, .low = 0, .high = 2}},
                                  {{"imputed_value_int64s", Ints{9}}}}};
  };
  return op;
}

OpDef MakeBinarizer() {
  OpDef op = FeatureOp("Binarizer", "1 where a value exceeds the threshold, else 0.", kMlNumbers);
  op.formula = "y = x > threshold ? 1 : 0";
  op.inputs[0].doc = "any shape";
  op.attrs = {FloatAttr("threshold", 0, "what must be exceeded")};
  op.infer = InferSameAsInput;
  op.reference = RunBinarizer;
  op.cases = [] { return std::vector<TestCase>{{"matrix", {{.dims = {4, 3}}}, {{"threshold", 0.5F}}}}; };
  return op;
}

OpDef MakeNormalizer() {
  OpDef op =
      FeatureOp("Normalizer", "Each sample divided by its norm; samples whose norm is 0 stay as they are.",
                {DType::kF32});
  op.attrs = {StringAttr("norm", "MAX", {"MAX", "L1", "L2"},
                         "the greatest value; the sum of magnitudes; the root of the sum of squares")};
  op.infer = InferF32;
  op.reference = RunNormalizer;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* norm : {"MAX", "L1", "L2"})
      cases.push_back({norm, {{.dims = {4, 3}}}, {{"norm", std::string(norm)}}});
    return cases;
  };
  return op;
}

OpDef MakeFeatureVectorizer() {
  OpDef op = FeatureOp("FeatureVectorizer", "The features of all inputs side by side.", {DType::kF32});
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]", Arity::kVariadic}};
  op.outputs[0].doc = "[N,sum of inputdimensions]";
  op.attrs = {IntsAttr("inputdimensions", {}, "features taken from each input, filled up with zeros")};
  op.infer = InferVectorizer;
  op.reference = RunVectorizer;
  op.cases = [] {
    return std::vector<TestCase>{{"two",
                                  {{.dims = {3, 2}}, {.dtype = DType::kI64, .dims = {3, 1}}},
                                  {{"inputdimensions", Ints{2, 1}}}}};
  };
  return op;
}

OpDef MakeArrayFeatureExtractor() {
  OpDef op = FeatureOp("ArrayFeatureExtractor", "The features with the given numbers.",
                       kMlNumbers | DTypeSet{DType::kString});
  op.inputs = {{"x", kMlNumbers | DTypeSet{DType::kString}, "[...,features]"},
               {"features", {DType::kI64}, "which are taken"}};
  op.outputs[0].doc = "[...,taken], at least two axes";
  op.infer = InferExtractor;
  op.reference = RunExtractor;
  op.cases = [] {
    const TestInput columns{.dtype = DType::kI64, .dims = {2}, .values = {2, 0}};
    return std::vector<TestCase>{{"rows", {{.dims = {4, 3}}, columns}, {}},
                                 {"row", {{.dims = {3}}, columns}, {}}};
  };
  return op;
}

}  // namespace slipway
