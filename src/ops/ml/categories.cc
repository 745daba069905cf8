// Categories: looked up in a table of keys and values, or spread over columns of zeros and ones.
//
// Source: LabelEncoder-1, -2 and -4, CategoryMapper-1 and OneHotEncoder-1 of ai.onnx.ml.
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/ml/ml.h"

namespace slipway {
namespace {

constexpr DTypeSet kLabelTypes = {DType::kString, DType::kI64, DType::kF32,
                                  DType::kI32,    DType::kI16, DType::kF64};

// An element as bytes that are equal where the elements are; NaN is equal to itself.
std::string KeyOf(const Tensor& tensor, int64_t i) {
  if (tensor.dtype() == DType::kString) return tensor.as<std::string>()[i];
  char bytes[8];
  if (IsFloat(tensor.dtype())) {
    const double value = LoadReal(tensor.dtype(), tensor.data(), i);
    const double same = std::isnan(value) ? std::nan("") : value == 0 ? 0.0 : value;
    std::memcpy(bytes, &same, sizeof(bytes));
  } else {
    const int64_t value = LoadInt(tensor.dtype(), tensor.data(), i);
    std::memcpy(bytes, &value, sizeof(bytes));
  }
  return std::string(bytes, sizeof(bytes));
}

Status InferEncoder(InferContext& context) {
  const Tensor* keys = context.attrs().TensorOf("keys");
  const Tensor* values = context.attrs().TensorOf("values");
  const Tensor* otherwise = context.attrs().TensorOf("default");
  if (keys == nullptr || values == nullptr || otherwise == nullptr || keys->count() != values->count())
    return context.Error("needs as many values as keys, and a default");
  if (!kLabelTypes.Has(values->dtype()) || otherwise->dtype() != values->dtype() || otherwise->count() != 1)
    return context.Error("the default is " + Describe(*otherwise) + "; it must be one value like " +
                         Describe(*values));
  if (context.dtype(0) != DType::kNone && context.dtype(0) != keys->dtype()) {
    return context.Error("x is " + std::string(DTypeName(context.dtype(0))) + ", the keys are " +
                         std::string(DTypeName(keys->dtype())));
  }
  Type type = context.input(0);
  type.dtype = values->dtype();
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status RunEncoder(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& keys = *context.attrs().TensorOf("keys");
  const Tensor& values = *context.attrs().TensorOf("values");
  const Tensor& otherwise = *context.attrs().TensorOf("default");
  Tensor& y = context.AllocateOutput(0, x.dims());
  std::unordered_map<std::string, int64_t> places;
  for (int64_t i = 0; i < keys.count(); ++i) places.emplace(KeyOf(keys, i), i);
  for (int64_t i = 0; i < x.count(); ++i) {
    const auto found = places.find(KeyOf(x, i));
    const bool is_known = found != places.end();
    CopyElement(y.dtype(), (is_known ? values : otherwise).data(), is_known ? found->second : 0, y.data(), i);
  }
  return Status::Ok();
}

Tensor StringsTensor(const Strings& values) {
  Tensor tensor(DType::kString, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) tensor.as<std::string>()[i] = values[i];
  return tensor;
}

template <class T>
Tensor ListTensor(DType dtype, const std::vector<T>& values) {
  return Tensor::From<T>(dtype, {static_cast<int64_t>(values.size())}, values);
}

// One of the lists that start with `stem`; nothing where there is none.
Tensor ListOf(const Attrs& attrs, const std::string& stem) {
  if (const Tensor* tensor = attrs.TensorOf(stem + "_tensor")) return tensor->Reshaped({tensor->count()});
  if (const auto& list = attrs.StringList(stem + "_strings"); !list.empty()) return StringsTensor(list);
  if (const auto& list = attrs.IntList(stem + "_int64s"); !list.empty()) return ListTensor(DType::kI64, list);
  if (const auto& list = attrs.FloatList(stem + "_floats"); !list.empty())
    return ListTensor(DType::kF32, list);
  return {};
}

// What stands for unknown keys, as ONNX presets it for the type.
Tensor DefaultOf(const Attrs& attrs, DType dtype) {
  if (const Tensor* tensor = attrs.TensorOf("default_tensor")) return tensor->Reshaped({tensor->count()});
  if (dtype == DType::kString)
    return StringsTensor({attrs.Has("default_string") ? attrs.String("default_string") : "_Unused"});
  Tensor tensor(dtype, {1});
  if (IsFloat(dtype))
    StoreReal(dtype, tensor.data(), 0, static_cast<double>(attrs.Float("default_float", -0.0F)));
  if (IsInteger(dtype)) StoreInt(dtype, tensor.data(), 0, attrs.Int("default_int64", -1));
  return tensor;
}

Status EmitEncoder(ImportContext& context, Tensor keys, Tensor values) {
  if (keys.IsNone() || values.IsNone()) return context.Error("lacks its keys or values");
  Tensor otherwise = DefaultOf(context.attrs(), values.dtype());
  return context.Emit(
      "LabelEncoder", {context.in(0)},
      {{"keys", std::move(keys)}, {"values", std::move(values)}, {"default", std::move(otherwise)}});
}

Status ImportEncoder(ImportContext& context) {
  return EmitEncoder(context, ListOf(context.attrs(), "keys"), ListOf(context.attrs(), "values"));
}

// Strings to integers or back, whichever x is not.
Status EmitBothWays(ImportContext& context, Tensor strings, Tensor ints) {
  if (context.type(context.in(0)).dtype == DType::kString)
    return EmitEncoder(context, std::move(strings), std::move(ints));
  return EmitEncoder(context, std::move(ints), std::move(strings));
}

// Classes are numbered from 0.
Status ImportOldEncoder(ImportContext& context) {
  const Strings& classes = context.attrs().StringList("classes_strings");
  Ints numbers;
  for (size_t i = 0; i < classes.size(); ++i) numbers.push_back(static_cast<int64_t>(i));
  return EmitBothWays(context, StringsTensor(classes), ListTensor(DType::kI64, numbers));
}

Status ImportCategoryMapper(ImportContext& context) {
  return EmitBothWays(context, StringsTensor(context.attrs().StringList("cats_strings")),
                      ListTensor(DType::kI64, context.attrs().IntList("cats_int64s")));
}

Status InferOneHot(InferContext& context) {
  const bool is_text = context.dtype(0) == DType::kString;
  const size_t columns = is_text ? context.attrs().StringList("cats_strings").size()
                                 : context.attrs().IntList("cats_int64s").size();
  if (columns == 0)
    return context.Error(std::string("has no categories for ") + (is_text ? "strings" : "numbers"));
  Type type = context.input(0);
  type.dtype = DType::kF32;
  if (type.shape) type.shape->emplace_back(static_cast<int64_t>(columns));
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status RunOneHot(RunContext& context) {
  const Tensor& x = context.in(0);
  const bool is_text = x.dtype() == DType::kString;
  const Tensor categories = is_text ? StringsTensor(context.attrs().StringList("cats_strings"))
                                    : ListTensor(DType::kI64, context.attrs().IntList("cats_int64s"));
  std::unordered_map<std::string, int64_t> places;
  for (int64_t i = 0; i < categories.count(); ++i) places[KeyOf(categories, i)] = i;
  Dims dims = x.dims();
  dims.push_back(categories.count());
  Tensor& y = context.AllocateOutput(0, dims);
  for (int64_t i = 0; i < y.count(); ++i) y.as<float>()[i] = 0;
  Tensor number(DType::kI64, {1});
  for (int64_t i = 0; i < x.count(); ++i) {
    if (!is_text) number.as<int64_t>()[0] = LoadInt(x.dtype(), x.data(), i);
    const auto found = places.find(is_text ? x.as<std::string>()[i] : KeyOf(number, 0));
    if (found != places.end()) {
      y.as<float>()[i * categories.count() + found->second] = 1;
    } else if (context.attrs().Int("zeros") == 0) {
      return context.Error("element " + std::to_string(i) + " is none of the categories",
                           "set zeros to 1 for a row of zeros");
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeLabelEncoder() {
  OpDef op;
  op.name = "LabelEncoder";
  op.group = "ml";
  op.summary = "Each element looked up among the keys and replaced by the value beside it.";
  op.inputs = {{"x", kLabelTypes, "any shape, the type of the keys"}};
  op.outputs = {{"y", kLabelTypes, "the shape of x, the type of the values"}};
  op.attrs = {Required(TensorAttr("keys", "what is looked up; the first of equal ones counts")),
              Required(TensorAttr("values", "what stands beside each key")),
              Required(TensorAttr("default", "what unknown keys become"))};
  op.infer = InferEncoder;
  op.reference = RunEncoder;
  op.cases = [] {
    return std::vector<TestCase>{{"numbers",
                                  {{.dtype = DType::kI64, .dims = {3, 4}, .low = 0, .high = 5}},
                                  {{"keys", ListTensor<int64_t>(DType::kI64, {1, 2, 3})},
                                   {"values", ListTensor<float>(DType::kF32, {0.5F, 0.25F, 4})},
                                   {"default", ListTensor<float>(DType::kF32, {-1})}}}};
  };
  op.foreign = {{Format::kOnnx, "LabelEncoder", 2, INT_MAX, ImportEncoder, kMlDomain},
                {Format::kOnnx, "LabelEncoder", 1, 1, ImportOldEncoder, kMlDomain},
                {Format::kOnnx, "CategoryMapper", 1, INT_MAX, ImportCategoryMapper, kMlDomain}};
  return op;
}

OpDef MakeOneHotEncoder() {
  OpDef op;
  op.name = "OneHotEncoder";
  op.group = "ml";
  op.summary = "A column per category, 1 for that of the element and 0 for the others.";
  op.inputs = {{"x", kMlNumbers | DTypeSet{DType::kString}, "any shape; reals are truncated"}};
  op.outputs = {{"y", {DType::kF32}, "[shape of x...,categories]"}};
  op.attrs = {StringsAttr("cats_strings", {}, "categories of strings"),
              IntsAttr("cats_int64s", {}, "categories of numbers"),
              IntAttr("zeros", 1, "1: other elements give a row of zeros; 0: they are an error")};
  op.infer = InferOneHot;
  op.reference = RunOneHot;
  op.cases = [] {
    return std::vector<TestCase>{{"numbers",
                                  {{.dtype = DType::kI64, .dims = {6}, .low = 0, .high = 4}},
                                  {{"cats_int64s", Ints{3, 1, 0}}}}};
  };
  op.foreign = {{Format::kOnnx, "OneHotEncoder", 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

}  // namespace slipway
