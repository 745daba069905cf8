// Numbers start, start + delta, ... before limit.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr int64_t kTooMany = int64_t{1} << 40;

// -1: not a length (delta 0, NaN, or beyond reason).
int64_t LengthOf(const Tensor& start, const Tensor& limit, const Tensor& delta) {
  if (IsFloat(start.dtype())) {
    const auto real = [](const Tensor& tensor) { return LoadReal(tensor.dtype(), tensor.data(), 0); };
    const double length = std::ceil((real(limit) - real(start)) / real(delta));
    if (std::isnan(length) || length > static_cast<double>(kTooMany)) return -1;
    return length > 0 ? static_cast<int64_t>(length) : 0;
  }
  const auto whole = [](const Tensor& tensor) { return LoadInt(tensor.dtype(), tensor.data(), 0); };
  const int64_t step = whole(delta);
  if (step == 0) return -1;
  const int64_t from = step > 0 ? whole(start) : whole(limit);
  const int64_t to = step > 0 ? whole(limit) : whole(start);
  if (to <= from) return 0;
  const uint64_t span = static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t length = (span - 1) / stride + 1;
  return length > static_cast<uint64_t>(kTooMany) ? -1 : static_cast<int64_t>(length);
}

Status Infer(InferContext& context) {
  context.SetOutput(0, context.dtype(0), {Dim()});
  for (size_t i = 0; i < 3; ++i) {
    if (context.dtype(i) != context.dtype(0))
      return context.Error("start, limit and delta must be of one type");
    const Tensor* constant = context.constant(i);
    if (constant != nullptr && constant->count() != 1)
      return context.Error("start, limit and delta must be one number each");
  }
  if (context.constant(0) && context.constant(1) && context.constant(2)) {
    const int64_t length = LengthOf(*context.constant(0), *context.constant(1), *context.constant(2));
    if (length < 0) return context.Error("start, limit and delta give no length");
    context.SetOutput(0, context.dtype(0), {length});
    return Status::Ok();
  }
  const auto start = context.content(0);
  const auto limit = context.content(1);
  const auto delta = context.ints(2);
  const bool is_symbolic =
      start && limit && delta && start->size() == 1 && limit->size() == 1 && delta->size() == 1;
  if (is_symbolic && (*delta)[0] > 0) {
    const Dim length = CeilDiv((*limit)[0] - (*start)[0], (*delta)[0]);
    context.SetOutput(0, context.dtype(0), {length.IsKnown() && length.value() < 0 ? Dim(0) : length});
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& start = context.in(0);
  const Tensor& delta = context.in(2);
  const int64_t length = LengthOf(start, context.in(1), delta);
  if (length < 0) return context.Error("start, limit and delta give no length");
  Tensor& y = context.AllocateOutput(0, {length});
  const DType dtype = y.dtype();
  for (int64_t i = 0; i < length; ++i) {
    if (IsFloat(dtype)) {
      StoreReal(dtype, y.data(), i,
                LoadReal(dtype, start.data(), 0) + static_cast<double>(i) * LoadReal(dtype, delta.data(), 0));
    } else {
      StoreInt(dtype, y.data(), i, LoadInt(dtype, start.data(), 0) + i * LoadInt(dtype, delta.data(), 0));
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeRange() {
  OpDef op;
  op.name = "Range";
  op.group = "shape";
  op.summary = "start, start + delta, start + 2 delta, ... as long as limit is not reached.";
  op.formula = "y[i] = start + i * delta";
  op.inputs = {{"start", kNumbers, "one number"},
               {"limit", kNumbers, "one number"},
               {"delta", kNumbers, "one number, not 0"}};
  op.outputs = {{"y", kNumbers, "[max(ceil((limit - start) / delta), 0)]"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto number = [](DType dtype, double value) {
      return TestInput{.dtype = dtype, .dims = {}, .values = {value}, .is_constant = true};
    };
    return std::vector<TestCase>{
        {"up", {number(DType::kI64, 2), number(DType::kI64, 12), number(DType::kI64, 3)}, {}},
        {"down", {number(DType::kF32, 1), number(DType::kF32, -1), number(DType::kF32, -0.5)}, {}}};
  };
  op.foreign = {{Format::kOnnx, "Range"}, {Format::kTensorflow, "Range"}, {Format::kTflite, "RANGE"}};
  return op;
}

}  // namespace slipway
