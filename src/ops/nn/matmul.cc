// Matrix product with numpy's broadcasting.
#include "ops/nn/matmul.h"

#include <algorithm>

#include "base/scalar.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/foreign.h"
#include "ops/nn/quantized.h"
#include "ops/nn/reals.h"

namespace slipway {

Result<DimList> MatMulShape(const InferContext& context, DimList a, DimList b, Transpose transpose_a,
                            Transpose transpose_b) {
  if (a.empty() || b.empty()) return context.Error("a scalar cannot be multiplied as a matrix");
  const bool is_row = a.size() == 1;
  const bool is_column = b.size() == 1;
  const std::string shown = ToString(a) + " and " + ToString(b);
  if (is_row) a.insert(a.begin(), Dim(1));
  if (is_column) b.push_back(Dim(1));
  if (transpose_a == Transpose::kYes && !is_row) std::swap(a[a.size() - 1], a[a.size() - 2]);
  if (transpose_b == Transpose::kYes && !is_column) std::swap(b[b.size() - 1], b[b.size() - 2]);
  const Dim rows = a[a.size() - 2];
  const Dim columns = b.back();
  const Dim& inner_a = a.back();
  const Dim& inner_b = b[b.size() - 2];
  if (inner_a.IsKnown() && inner_b.IsKnown() && inner_a.value() != inner_b.value()) {
    return context.Error("shapes " + shown + " do not multiply: " + inner_a.ToString() + " columns against " +
                         inner_b.ToString() + " rows");
  }
  const DimList batch_a(a.begin(), a.end() - 2);
  const DimList batch_b(b.begin(), b.end() - 2);
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, BroadcastShapes(context, {&batch_a, &batch_b}));
  if (!is_row) shape.push_back(rows);
  if (!is_column) shape.push_back(columns);
  return shape;
}

namespace {

std::vector<int64_t> BatchOffsets(const Dims& batch, const Dims& own, int64_t matrix) {
  const int64_t count = CountOf(batch);
  std::vector<int64_t> offsets(static_cast<size_t>(count));
  for (int64_t p = 0; p < count; ++p) {
    int64_t rest = p;
    int64_t offset = 0;
    int64_t stride = matrix;
    for (size_t i = 0; i < batch.size(); ++i) {
      const size_t axis = batch.size() - 1 - i;
      const int64_t index = rest % batch[axis];
      rest /= batch[axis];
      if (i >= own.size()) continue;
      const int64_t extent = own[own.size() - 1 - i];
      if (extent != 1) offset += index * stride;
      stride *= extent;
    }
    offsets[static_cast<size_t>(p)] = offset;
  }
  return offsets;
}

}  // namespace

MatMulCall PlanMatMul(Dims a, Dims b, Transpose transpose_a, Transpose transpose_b) {
  const bool is_row = a.size() == 1;
  const bool is_column = b.size() == 1;
  if (is_row) a.insert(a.begin(), 1);
  if (is_column) b.push_back(1);
  MatMulCall call;
  const int64_t a_rows = a[a.size() - 2], a_columns = a.back(), b_rows = b[b.size() - 2],
                b_columns = b.back();
  const bool is_a_transposed = transpose_a == Transpose::kYes && !is_row;
  const bool is_b_transposed = transpose_b == Transpose::kYes && !is_column;
  call.m = is_a_transposed ? a_columns : a_rows;
  call.k = is_a_transposed ? a_rows : a_columns;
  call.n = is_b_transposed ? b_rows : b_columns;
  call.a_row = is_a_transposed ? 1 : a_columns;
  call.a_column = is_a_transposed ? a_columns : 1;
  call.b_row = is_b_transposed ? 1 : b_columns;
  call.b_column = is_b_transposed ? b_columns : 1;
  const Dims own_a(a.begin(), a.end() - 2), own_b(b.begin(), b.end() - 2);
  const size_t rank = std::max(own_a.size(), own_b.size());
  Dims batch(rank, 1);
  for (size_t i = 0; i < rank; ++i) {
    if (i < own_a.size()) batch[rank - 1 - i] = own_a[own_a.size() - 1 - i];
    if (i < own_b.size() && batch[rank - 1 - i] == 1) batch[rank - 1 - i] = own_b[own_b.size() - 1 - i];
  }
  call.a_batch = BatchOffsets(batch, own_a, a_rows * a_columns);
  call.b_batch = BatchOffsets(batch, own_b, b_rows * b_columns);
  return call;
}

double MatMulFlops(const InferContext& context) {
  const auto& a = context.shape(0);
  if (!a || a->empty() || !a->back().IsKnown()) return 0;
  const bool is_transposed = context.attrs().Int("transpose_a") != 0 && a->size() > 1;
  const Dim& inner = is_transposed ? (*a)[a->size() - 2] : a->back();
  return inner.IsKnown() ? 2 * context.CountOfOutput(0) * static_cast<double>(inner.value()) : 0;
}

namespace {

Transpose TransposeOf(const Attrs& attrs, const char* name) {
  return attrs.Int(name) != 0 ? Transpose::kYes : Transpose::kNo;
}

Status Infer(InferContext& context) {
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  const bool is_mixed = context.dtype(0) != context.dtype(1) && context.dtype(1) != DType::kNone &&
                        context.dtype(0) != DType::kNone && context.quant(1) == nullptr;
  if (is_mixed) {
    return context.Error("inputs are " + std::string(DTypeName(context.dtype(0))) + " and " +
                         std::string(DTypeName(context.dtype(1))) + "; they must be of one type");
  }
  if (!context.shape(0) || !context.shape(1)) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, MatMulShape(context, *context.shape(0), *context.shape(1),
                                                      TransposeOf(context.attrs(), "transpose_a"),
                                                      TransposeOf(context.attrs(), "transpose_b")));
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// TFLite's BATCH_MATMUL on i8 and i16; b's scale may differ from column to column.
Status RunQuantized(const RunContext& context, const MatMulCall& call) {
  const Quant* aq = context.in_quant(0);
  const Quant* bq = context.in_quant(1);
  const Quant* yq = context.out_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, aq, "input a"));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, bq, "input b", call.n));
  const bool is_transposed = context.attrs().Int("transpose_b") != 0;
  const bool is_per_column = bq->scales.size() > 1;
  const bool is_zero =
      std::all_of(bq->zero_points.begin(), bq->zero_points.end(), [](int64_t z) { return z == 0; });
  if (is_per_column && (bq->axis != context.in(1).rank() - (is_transposed ? 2 : 1) || !is_zero))
    return context.Error("input b has scales along axis " + std::to_string(bq->axis) +
                         "; they must be those of its columns, with zero points of 0");
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, yq, "output"));
  std::vector<int64_t> a = LongIntegers(context.in(0));
  std::vector<int64_t> b = LongIntegers(context.in(1));
  for (int64_t& value : a) value -= ZeroPointOf(*aq);
  for (int64_t& value : b) value -= ZeroPointOf(*bq);
  Tensor& y = context.out(0);
  const std::vector<FixedMultiplier> multipliers =
      OutputMultipliers(*aq, *bq, *yq, is_per_column ? call.n : 1,
                        is_per_column ? ScaleProduct::kInDouble : ScaleProduct::kInFloat);
  const ClampRange clamp = QuantizedClamp({}, y.dtype(), *yq);
  const bool is_long = y.dtype() == DType::kI16;
  MultiplyMatrices<int64_t, int64_t>(call, a.data(), b.data(), [&](int64_t to, int64_t sum) {
    const int64_t zero = ZeroPointOf(*yq);
    const FixedMultiplier& multiplier = multipliers[is_per_column ? static_cast<size_t>(to % call.n) : 0];
    StoreInt(
        y.dtype(), y.data(), to,
        is_long ? RequantizeLong(sum, multiplier, zero, clamp) : Requantize(sum, multiplier, zero, clamp));
  });
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& a = context.in(0);
  const Tensor& b = context.in(1);
  Tensor& y = context.out(0);
  const MatMulCall call = PlanMatMul(a.dims(), b.dims(), TransposeOf(context.attrs(), "transpose_a"),
                                     TransposeOf(context.attrs(), "transpose_b"));
  const auto store = [&](int64_t to, auto sum) {
    if constexpr (std::is_same_v<decltype(sum), double>) {
      StoreReal(y.dtype(), y.data(), to, sum);
    } else {
      StoreInt(y.dtype(), y.data(), to, static_cast<int64_t>(sum));
    }
  };
  if (IsInteger(a.dtype())) {
    if (context.out_quant(0) != nullptr) return RunQuantized(context, call);
    const Tensor wide_a = ConvertTensor(a, DType::kU64), wide_b = ConvertTensor(b, DType::kU64);
    MultiplyMatrices<uint64_t, uint64_t>(call, wide_a.as<uint64_t>(), wide_b.as<uint64_t>(), store);
  } else if (a.dtype() == DType::kF32 && b.dtype() == DType::kF32) {
    MultiplyMatrices<float, double>(call, a.as<float>(), b.as<float>(), store);
  } else {
    const Tensor wide_a = ConvertTensor(a, DType::kF64), wide_b = ConvertTensor(b, DType::kF64);
    MultiplyMatrices<double, double>(call, wide_a.as<double>(), wide_b.as<double>(), store);
  }
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  struct Shapes {
    const char* label;
    Dims a, b;
    bool transpose_a = false, transpose_b = false;
  };
  const Shapes shapes[] = {{"square", {16, 16}, {16, 16}},
                           {"tail", {7, 13}, {13, 19}},
                           {"row", {1, 65}, {65, 33}},
                           {"large", {33, 70}, {70, 129}},
                           {"vector_vector", {37}, {37}},
                           {"vector_matrix", {9}, {9, 5}},
                           {"matrix_vector", {4, 11}, {11}},
                           {"batch", {3, 5, 7}, {3, 7, 6}},
                           {"broadcast_batch", {2, 1, 4, 5}, {3, 5, 2}},
                           {"batch_by_matrix", {2, 3, 4}, {4, 5}},
                           {"transpose_a", {8, 5}, {8, 9}, true, false},
                           {"transpose_b", {6, 17}, {10, 17}, false, true},
                           {"transpose_both", {2, 5, 3}, {2, 4, 5}, true, true},
                           {"empty_inner", {3, 0}, {0, 4}},
                           {"empty", {0, 3}, {3, 4}}};
  std::vector<TestCase> cases;
  for (const Shapes& each : shapes) {
    const Attrs attrs = {{"transpose_a", int64_t{each.transpose_a}},
                         {"transpose_b", int64_t{each.transpose_b}}};
    cases.push_back({each.label,
                     {{.dims = each.a, .low = -1, .high = 1}, {.dims = each.b, .low = -1, .high = 1}},
                     attrs});
    if (each.b.size() != 2) continue;
    cases.push_back({std::string(each.label) + "_constant_b",
                     {{.dims = each.a, .low = -1, .high = 1},
                      {.dims = each.b, .low = -1, .high = 1, .is_constant = true}},
                     attrs});
    cases.push_back({std::string(each.label) + "_i8",
                     {{DType::kI8, each.a, -128, 127, Quant{{0.02F}, {3}, -1}},
                      {DType::kI8, each.b, -127, 127, Quant{{0.01F}, {0}, -1}}},
                     attrs,
                     1,
                     {Quant{{0.07F}, {-9}, -1}}});
  }
  cases.push_back({"i32", {{DType::kI32, {3, 4}, -100, 100}, {DType::kI32, {4, 5}, -100, 100}}, {}});
  return cases;
}

// TensorFlow: transpose_a/b or adj_x/y; TFLite: adj_x/y.
Status ImportWithTranspose(ImportContext& context) {
  const Attrs& given = context.attrs();
  return context.Emit("MatMul", {context.in(0), context.in(1)},
                      {{"transpose_a", int64_t{given.Int("transpose_a") != 0 || given.Int("adj_x") != 0}},
                       {"transpose_b", int64_t{given.Int("transpose_b") != 0 || given.Int("adj_y") != 0}}});
}

// TensorFlow's _FusedMatMul: a bias and an activation behind the product.
Status ImportFusedMatMul(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(TfFusion fusion, ReadTfFusion(context));
  const Attrs& given = context.attrs();
  const Attrs transposes = {{"transA", int64_t{given.Int("transpose_a") != 0}},
                            {"transB", int64_t{given.Int("transpose_b") != 0}}};
  Attrs attrs = transposes;
  for (const auto& [name, value] : fusion.attrs) attrs.Set(name, value);
  const std::vector<ValueId> inputs = {context.in(0), context.in(1),
                                       fusion.has_bias ? context.in(2) : kNoValue};
  if (fusion.then.empty()) return context.Emit("Gemm", inputs, std::move(attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId product, context.Add("Gemm", inputs, std::move(attrs)));
  if (fusion.then == "Elu") return context.Emit("Elu", {product});
  return context.Emit(fusion.then, {product, context.in(fusion.has_bias ? 3 : 2)});
}

}  // namespace

OpDef MakeMatMul() {
  OpDef op;
  op.name = "MatMul";
  op.group = "nn";
  op.summary = "Matrix product of the last two axes; leading axes broadcast.";
  op.formula = "y[...,i,j] = sum_k a[...,i,k] * b[...,k,j]";
  op.inputs = {{"a", kNumbers, "[...,m,k] or [k]"}, {"b", kNumbers, "[...,k,n] or [k]"}};
  op.outputs = {{"y", kNumbers, "[...,m,n]"}};
  op.attrs = {IntAttr("transpose_a", 0, "1: a is [...,k,m]"), IntAttr("transpose_b", 0, "1: b is [...,n,k]")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = MatMulFlops;
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "MatMul"},
                {Format::kTflite, "BATCH_MATMUL", 1, INT_MAX, ImportWithTranspose},
                {Format::kTensorflow, "MatMul", 1, INT_MAX, ImportWithTranspose},
                {Format::kTensorflow, "BatchMatMul", 1, INT_MAX, ImportWithTranspose},
                {Format::kTensorflow, "BatchMatMulV2", 1, INT_MAX, ImportWithTranspose},
                {Format::kTensorflow, "BatchMatMulV3", 1, INT_MAX, ImportWithTranspose},
                {Format::kTensorflow, "_FusedMatMul", 1, INT_MAX, ImportFusedMatMul}};
  for (ForeignRow& row : ContribMatMulRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
