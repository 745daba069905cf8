#include "ops/math/arithmetic.h"

#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"

namespace slipway {
namespace {

// Extents and what stands beside them in a model; larger numbers might overflow on the way.
bool IsExtentLike(const Content& content) {
  constexpr int64_t kLargest = INT32_MAX;
  return std::all_of(content.begin(), content.end(), [](const Dim& dim) {
    return !dim.IsKnown() || (dim.value() <= kLargest && dim.value() >= -kLargest);
  });
}

}  // namespace

Status InferOnExtents(InferContext& context, Dim (*function)(const Dim&, const Dim&)) {
  SLIPWAY_RETURN_IF_ERROR(InferBroadcast(context));
  if (!kIndices.Has(context.dtype(0)) || context.attrs().String("activation") != "none") return Status::Ok();
  const auto a = context.content(0);
  const auto b = context.content(1);
  if (!a || !b || !IsExtentLike(*a) || !IsExtentLike(*b)) return Status::Ok();
  if (AllKnown(*a) && AllKnown(*b)) return Status::Ok();  // the reference computes them
  if (a->size() != b->size() && a->size() != 1 && b->size() != 1) return Status::Ok();
  Content result(std::max(a->size(), b->size()));
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = function((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
  context.SetContent(0, std::move(result));
  return Status::Ok();
}

OpDef ArithmeticOp() {
  OpDef op = BinaryOp(kNumbers);
  op.attrs = ActivationAttrs();
  // Quantised operands may differ in scale and so does the result: only the dtype and the shape are inferred.
  op.tolerance.integer_steps = 0;
  return op;
}

Status RunArithmetic(RunContext& context, const BinaryFunctions& functions) {
  SLIPWAY_RETURN_IF_ERROR(RunBinary(context, functions));
  const ActivationSpec activation = ActivationOf(context.attrs());
  if (activation.kind == Activation::kNone) return Status::Ok();
  Tensor& c = context.out(0);
  const int64_t count = c.count();
  for (int64_t i = 0; i < count; ++i) {
    StoreReal(c.dtype(), c.data(), i, ApplyActivation(activation, LoadReal(c.dtype(), c.data(), i)));
  }
  return Status::Ok();
}

std::vector<TestCase> ArithmeticCases(double low, double high) {
  std::vector<TestCase> cases = BinaryCases(low, high);
  cases.push_back({"i32",
                   {{.dtype = DType::kI32, .dims = {3, 5}, .low = low, .high = high},
                    {.dtype = DType::kI32, .dims = {5}, .low = low, .high = high}},
                   {}});
  for (const char* activation : {"relu", "relu6", "relu_n1_to_1"}) {
    cases.push_back({activation,
                     {{.dtype = DType::kF32, .dims = {3, 21}, .low = low, .high = high},
                      {.dtype = DType::kF32, .dims = {3, 21}, .low = low, .high = high}},
                     {{"activation", std::string(activation)}}});
  }
  return cases;
}

Status ImportTfliteActivation(ImportContext& context) {
  const std::string& name = context.attrs().String("fused_activation_function");
  const std::string_view activation = ActivationFromTflite(name);
  if (activation.empty()) return context.Unsupported("fused activation '" + name + "' is not supported");
  return context.EmitSame({{"activation", std::string(activation)}});
}

}  // namespace slipway
