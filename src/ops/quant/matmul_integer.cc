// Matrix products of integers without rescaling, and with (ONNX's MatMulInteger and QLinearMatMul).
#include <cmath>

#include "base/scalar.h"
#include "ops/contrib/contrib.h"
#include "ops/import.h"
#include "ops/nn/matmul.h"
#include "ops/nn/quantized.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

constexpr DTypeSet kBytes = {DType::kI8, DType::kU8};

// a minus its zero point: a scalar, one per row ([M] or [...,M,1]).
Result<std::vector<int64_t>> Centered(const RunContext& context, size_t matrix, size_t zero, bool is_left) {
  const Tensor& x = context.in(matrix);
  std::vector<int64_t> values = LongIntegers(x);
  if (!context.HasInput(zero)) return values;
  const std::vector<int64_t> zeros = LongIntegers(context.in(zero));
  const int64_t columns = x.rank() < 1 ? 1 : x.dim(-1);
  const int64_t rows = x.rank() < 2 ? 1 : x.dim(-2);
  const auto count = static_cast<int64_t>(zeros.size());
  const int64_t batches = rows * columns == 0 ? 0 : x.count() / (rows * columns);
  const int64_t period = is_left ? rows : columns;
  if (count != 1 && count != period && count != batches * period) {
    return context.Error("there are " + std::to_string(count) + " zero points for " + std::to_string(period) +
                         (is_left ? " rows" : " columns"));
  }
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t slice = is_left ? i / columns : i / (rows * columns) * columns + i % columns;
    values[static_cast<size_t>(i)] -= zeros[static_cast<size_t>(slice % count)];
  }
  return values;
}

// Scale of row or column `slice`.
float ScaleAt(const std::vector<double>& scales, int64_t slice) {
  return static_cast<float>(scales[static_cast<size_t>(slice % static_cast<int64_t>(scales.size()))]);
}

Status InferProduct(InferContext& context, size_t b, DType dtype) {
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (!context.shape(0) || !context.shape(b)) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, MatMulShape(context, *context.shape(0), *context.shape(b),
                                                      Transpose::kNo, Transpose::kNo));
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

Status RunQLinear(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> a, Centered(context, 0, 2, true));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> b, Centered(context, 3, 5, false));
  const MatMulCall call =
      PlanMatMul(context.in(0).dims(), context.in(3).dims(), Transpose::kNo, Transpose::kNo);
  const std::vector<double> a_scales = Reals(context.in(1));
  const std::vector<double> b_scales = Reals(context.in(4));
  const float y_scale = ScaleAt(Reals(context.in(6)), 0);
  const int64_t y_zero = LongIntegers(context.in(7))[0];
  Tensor& y = context.out(0);
  MultiplyMatrices<int64_t, int64_t>(call, a.data(), b.data(), [&](int64_t to, int64_t sum) {
    const float scale = ScaleAt(a_scales, to / call.n % call.m) * ScaleAt(b_scales, to % call.n) / y_scale;
    const int64_t value = static_cast<int64_t>(std::nearbyint(static_cast<float>(sum) * scale)) + y_zero;
    StoreInt(y.dtype(), y.data(), to, std::clamp(value, MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())));
  });
  return Status::Ok();
}

}  // namespace

OpDef MakeMatMulInteger() {
  OpDef op;
  op.name = "MatMulInteger";
  op.group = "quant";
  op.summary = "Matrix product of 8-bit integers into 32 bits.";
  op.formula = "y = (a - a_zero_point) x (b - b_zero_point)";
  op.inputs = {{"a", kBytes, "[...,m,k]"},
               {"b", kBytes, "[...,k,n]"},
               {"a_zero_point", kBytes, "scalar or one per row", Arity::kOptional},
               {"b_zero_point", kBytes, "scalar or one per column", Arity::kOptional}};
  op.outputs = {{"y", {DType::kI32}, "[...,m,n]"}};
  op.infer = [](InferContext& context) { return InferProduct(context, 1, DType::kI32); };
  op.reference = [](RunContext& context) -> Status {
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> a, Centered(context, 0, 2, true));
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> b, Centered(context, 1, 3, false));
    const MatMulCall call =
        PlanMatMul(context.in(0).dims(), context.in(1).dims(), Transpose::kNo, Transpose::kNo);
    int32_t* y = context.out(0).as<int32_t>();
    MultiplyMatrices<int64_t, int64_t>(call, a.data(), b.data(),
                                       [y](int64_t to, int64_t sum) { y[to] = static_cast<int32_t>(sum); });
    return Status::Ok();
  };
  op.flops = MatMulFlops;
  op.cases = [] {
    const TestInput a{.dtype = DType::kU8, .dims = {5, 33}, .low = 0, .high = 255};
    const TestInput b{.dtype = DType::kI8, .dims = {33, 19}, .low = -127, .high = 127, .is_constant = true};
    const TestInput zero{.dtype = DType::kU8, .dims = {}, .values = {119}, .is_constant = true};
    return std::vector<TestCase>{{"plain", {a, b}, {}}, {"zero_point", {a, b, zero}, {}}};
  };
  op.foreign = {{Format::kOnnx, "MatMulInteger"}};
  for (ForeignRow& row : ContribMatMulIntegerRows()) op.foreign.push_back(std::move(row));
  return op;
}

OpDef MakeQLinearMatMul() {
  OpDef op;
  op.name = "QLinearMatMul";
  op.group = "quant";
  op.summary = "Matrix product of 8-bit integers with a rescaled 8-bit result.";
  op.formula = "y = saturate(round_half_even((a - az) x (b - bz) * as * bs / ys) + yz)";
  op.inputs = {{"a", kBytes, "[...,m,k]"},
               {"a_scale", kFloats, "scalar or one per row"},
               {"a_zero_point", kBytes, "as a_scale"},
               {"b", kBytes, "[...,k,n]"},
               {"b_scale", kFloats, "scalar or one per column"},
               {"b_zero_point", kBytes, "as b_scale"},
               {"y_scale", kFloats, "scalar"},
               {"y_zero_point", kBytes, "scalar; its type is y's"}};
  op.outputs = {{"y", kBytes, "[...,m,n]"}};
  op.infer = [](InferContext& context) { return InferProduct(context, 3, context.dtype(7)); };
  op.reference = RunQLinear;
  op.flops = MatMulFlops;
  op.cases = [] {
    const auto scale = [](double value) {
      return TestInput{.dims = {}, .values = {value}, .is_constant = true};
    };
    const auto zero = [](DType dtype, double value) {
      return TestInput{.dtype = dtype, .dims = {}, .values = {value}, .is_constant = true};
    };
    return std::vector<TestCase>{
        {"u8",
         {{.dtype = DType::kU8, .dims = {5, 33}, .low = 0, .high = 255},
          scale(0.03),
          zero(DType::kU8, 119),
          {.dtype = DType::kU8, .dims = {33, 19}, .low = 0, .high = 255, .is_constant = true},
          scale(0.006),
          zero(DType::kU8, 128),
          scale(0.2),
          zero(DType::kU8, 101)},
         {}}};
  };
  op.tolerance.integer_steps = 1;
  op.foreign = {{Format::kOnnx, "QLinearMatMul"}};
  return op;
}

}  // namespace slipway
