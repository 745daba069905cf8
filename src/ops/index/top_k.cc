// The largest or smallest elements along an axis, and where they are.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/infer.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const DType index_dtype = context.attrs().Type("index_dtype");
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    context.SetOutput(1, Type::OfUnknownShape(index_dtype));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(
      const int axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(shape.size())));
  const auto k = context.content(1);
  if (k && k->size() != 1) return context.Error("k must be one number");
  Dim& extent = shape[static_cast<size_t>(axis)];
  if (k && (*k)[0].IsKnown() &&
      ((*k)[0].value() < 0 || (extent.IsKnown() && (*k)[0].value() > extent.value()))) {
    return context.Error("k is " + (*k)[0].ToString() + ", the axis has " + extent.ToString());
  }
  extent = k ? (*k)[0] : Dim();
  context.SetOutput(0, context.dtype(0), shape);
  context.SetOutput(1, index_dtype, std::move(shape));
  return Status::Ok();
}

// Orders element numbers of x: better first, then lower index. NaN is above every number.
struct Better {
  const Tensor& x;
  int64_t base;
  int64_t stride;
  bool is_largest;

  bool operator()(int64_t a, int64_t b) const {
    const int order = Compare(base + a * stride, base + b * stride);
    if (order != 0) return is_largest ? order > 0 : order < 0;
    return a < b;
  }

  int Compare(int64_t i, int64_t k) const {
    if (x.dtype() == DType::kU64) return Order(x.as<uint64_t>()[i], x.as<uint64_t>()[k]);
    if (!IsFloat(x.dtype())) return Order(LoadInt(x.dtype(), x.data(), i), LoadInt(x.dtype(), x.data(), k));
    const double a = LoadReal(x.dtype(), x.data(), i);
    const double b = LoadReal(x.dtype(), x.data(), k);
    if (std::isnan(a) || std::isnan(b)) return Order(std::isnan(a), std::isnan(b));
    return Order(a, b);
  }
  template <class T>
  static int Order(T a, T b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
};

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const size_t axis = AxisOf(context, x.rank());
  const int64_t extent = x.dims()[axis];
  const int64_t k = LoadInt(context.in(1).dtype(), context.in(1).data(), 0);
  if (k < 0 || k > extent)
    return context.Error("k is " + std::to_string(k) + ", the axis has " + std::to_string(extent));
  Dims dims = x.dims();
  dims[axis] = k;
  Tensor* values = context.HasOutput(0) ? &context.AllocateOutput(0, dims) : nullptr;
  Tensor* places = context.HasOutput(1) ? &context.AllocateOutput(1, dims) : nullptr;
  const std::span<const int64_t> shape(x.dims());
  const int64_t outer = CountOf(shape.first(axis));
  const int64_t inner = CountOf(shape.subspan(axis + 1));
  std::vector<int64_t> order(static_cast<size_t>(extent));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const int64_t base = o * extent * inner + i;
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + k, order.end(),
                        Better{x, base, inner, context.attrs().Int("largest") != 0});
      for (int64_t r = 0; r < k; ++r) {
        const int64_t from = order[static_cast<size_t>(r)];
        const int64_t to = (o * k + r) * inner + i;
        if (values != nullptr) CopyElement(x.dtype(), x.data(), base + from * inner, values->data(), to);
        if (places != nullptr) StoreInt(places->dtype(), places->data(), to, from);
      }
    }
  }
  return Status::Ok();
}

// ONNX before 10: k is an attribute.
Status ImportOld(ImportContext& context) {
  return context.Emit("TopK", {context.in(0), context.ConstInts({context.attrs().Int("k")})},
                      {{"axis", context.attrs().Int("axis", -1)}});
}

Status ImportV2(ImportContext& context) {
  return context.Emit("TopK", {context.in(0), context.in(1)},
                      {{"index_dtype", context.attrs().Type("index_type", DType::kI32)}});
}

}  // namespace

OpDef MakeTopK() {
  OpDef op;
  op.name = "TopK";
  op.group = "index";
  op.summary =
      "The k largest (or smallest) elements along an axis, best first, and their indices; of equals the "
      "first.";
  op.inputs = {{"x", kNumbers, "rank 1 or more"}, {"k", kInts, "one number"}};
  op.outputs = {{"values", kNumbers, "x with extent k along `axis`"},
                {"indices", kIndices, "the same shape"}};
  op.attrs = {IntAttr("axis", -1, "negative counts from the end"), IntAttr("largest", 1, "0: the smallest"),
              IntAttr("sorted", 1, "0: any order will do; they are sorted all the same"),
              DTypeAttr("index_dtype", DType::kI64, "i32 or i64")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput k{.dtype = DType::kI64, .dims = {1}, .values = {3}, .is_constant = true};
    return std::vector<TestCase>{
        {"last", {{.dims = {3, 17}}, k}, {}, 2},
        {"smallest_first_axis", {{.dims = {9, 4}}, k}, {{"axis", int64_t{0}}, {"largest", int64_t{0}}}, 2}};
  };
  op.foreign = {{Format::kOnnx, "TopK", 10},
                {Format::kOnnx, "TopK", 1, 9, ImportOld},
                {Format::kTensorflow, "TopKV2", 1, INT_MAX, ImportV2},
                {Format::kTflite, "TOPK_V2", 1, INT_MAX, ImportV2}};
  return op;
}

}  // namespace slipway
