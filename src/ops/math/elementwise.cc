#include "ops/math/elementwise.h"

#include <algorithm>
#include <cmath>

#include "base/scalar.h"

namespace slipway {

Status RunUnary(RunContext& context, double (*f)(double)) { return RunUnaryWith(context, f); }

int64_t FloorDivide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

Status RunUnaryWith(RunContext& context, FunctionRef<double(double)> f) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const int64_t count = x.count();
  for (int64_t i = 0; i < count; ++i) StoreReal(y.dtype(), y.data(), i, f(LoadReal(x.dtype(), x.data(), i)));
  return Status::Ok();
}

Status RunUnary(RunContext& context, double (*f_real)(double), int64_t (*f_int)(int64_t)) {
  const Tensor& x = context.in(0);
  if (!IsInteger(x.dtype())) return RunUnary(context, f_real);
  Tensor& y = context.out(0);
  const int64_t count = x.count();
  for (int64_t i = 0; i < count; ++i)
    StoreInt(y.dtype(), y.data(), i, f_int(LoadInt(x.dtype(), x.data(), i)));
  return Status::Ok();
}

void ForEachBroadcast(const Dims& out, std::span<const Dims> shapes,
                      const std::function<void(int64_t, std::span<const int64_t>)>& visit) {
  const size_t rank = out.size();
  // strides[k][axis]: step of input k along an output axis; 0 where it is broadcast.
  std::vector<std::vector<int64_t>> strides(shapes.size(), std::vector<int64_t>(rank, 0));
  for (size_t k = 0; k < shapes.size(); ++k) {
    int64_t stride = 1;
    for (size_t i = shapes[k].size(); i-- > 0;) {
      const size_t axis = rank - shapes[k].size() + i;
      strides[k][axis] = shapes[k][i] == 1 ? 0 : stride;
      stride *= shapes[k][i];
    }
  }
  std::vector<int64_t> index(rank, 0);
  std::vector<int64_t> at(shapes.size(), 0);
  const int64_t count = CountOf(out);
  for (int64_t i = 0; i < count; ++i) {
    visit(i, at);
    for (size_t axis = rank; axis-- > 0;) {
      for (size_t k = 0; k < at.size(); ++k) at[k] += strides[k][axis];
      if (++index[axis] < out[axis]) break;
      for (size_t k = 0; k < at.size(); ++k) at[k] -= strides[k][axis] * out[axis];
      index[axis] = 0;
    }
  }
}

namespace {

void Combine(const Tensor& a, const Tensor& b, Tensor& z, const BinaryFunctions& functions) {
  const Dims shapes[] = {a.dims(), b.dims()};
  const bool is_unsigned =
      IsInteger(a.dtype()) && !IsSigned(a.dtype()) && functions.unsigned_integer != nullptr;
  ForEachBroadcast(z.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    if (!IsInteger(a.dtype()) && a.dtype() != DType::kBool) {
      const double value =
          functions.real(LoadReal(a.dtype(), a.data(), at[0]), LoadReal(b.dtype(), b.data(), at[1]));
      return StoreReal(z.dtype(), z.data(), i, value);
    }
    const int64_t left = LoadInt(a.dtype(), a.data(), at[0]);
    const int64_t right = LoadInt(b.dtype(), b.data(), at[1]);
    if (is_unsigned) {
      const uint64_t value =
          functions.unsigned_integer(static_cast<uint64_t>(left), static_cast<uint64_t>(right));
      return StoreInt(z.dtype(), z.data(), i, static_cast<int64_t>(value));
    }
    StoreInt(z.dtype(), z.data(), i, functions.signed_integer(left, right));
  });
}

}  // namespace

Status RunBinary(RunContext& context, const BinaryFunctions& functions) {
  Combine(context.in(0), context.in(1), context.out(0), functions);
  return Status::Ok();
}

Status RunFold(RunContext& context, const BinaryFunctions& functions) {
  Tensor& out = context.out(0);
  const Dims shapes[] = {context.in(0).dims()};
  ForEachBroadcast(out.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    CopyElement(out.dtype(), context.in(0).data(), at[0], out.data(), i);
  });
  for (size_t k = 1; k < context.num_inputs(); ++k) Combine(out, context.in(k), out, functions);
  return Status::Ok();
}

std::vector<TestCase> UnaryCases(double low, double high) {
  std::vector<TestCase> cases;
  const std::pair<const char*, Dims> shapes[] = {{"scalar", {}},           {"one", {1}},
                                                 {"tail", {37}},           {"matrix", {3, 65}},
                                                 {"image", {1, 5, 7, 19}}, {"empty", {0}}};
  for (const auto& [label, dims] : shapes) {
    cases.push_back({label, {{.dtype = DType::kF32, .dims = dims, .low = low, .high = high}}, {}});
  }
  return cases;
}

std::vector<TestCase> BinaryCases(double low, double high, DType dtype) {
  struct Shapes {
    const char* label;
    Dims a, b;
  };
  const Shapes shapes[] = {{"same", {2, 37}, {2, 37}},          {"scalar_right", {3, 17}, {}},
                           {"scalar_left", {}, {33}},           {"row", {2, 5, 19}, {19}},
                           {"column", {4, 21}, {4, 1}},         {"channel", {2, 7, 3, 5}, {7, 1, 1}},
                           {"outer", {9, 1}, {1, 23}},          {"empty", {0, 3}, {3}},
                           {"middle", {2, 3, 4, 5}, {3, 1, 5}}, {"large", {1, 1031}, {1, 1031}}};
  std::vector<TestCase> cases;
  for (const Shapes& each : shapes) {
    cases.push_back({each.label,
                     {{.dtype = dtype, .dims = each.a, .low = low, .high = high},
                      {.dtype = dtype, .dims = each.b, .low = low, .high = high}},
                     {}});
  }
  return cases;
}

Quant QuantOver(DType dtype, RealRange range) {
  if (BitsOf(dtype) > 8)
    return {{static_cast<float>(std::max(std::abs(range.low), std::abs(range.high)) / 32768)}, {0}, -1};
  const double scale = (range.high - range.low) / 255;
  const auto zero = static_cast<int64_t>(std::round(-range.low / scale)) + MinOfInteger(dtype);
  return {{static_cast<float>(scale)}, {std::clamp(zero, MinOfInteger(dtype), MaxOfInteger(dtype))}, -1};
}

namespace {

int64_t ElementsOf(const TestCase& test) {
  int64_t count = 0;
  for (const TestInput& input : test.inputs) count += CountOf(input.dims);
  return count;
}

TestCase Quantized(TestCase test, DType dtype, RealRange in, RealRange out) {
  test.label += "_" + std::string(DTypeName(dtype));
  for (TestInput& input : test.inputs) {
    if (input.dtype != DType::kF32 || input.is_absent) continue;
    input.dtype = dtype;
    input.low = static_cast<double>(MinOfInteger(dtype));
    input.high = static_cast<double>(MaxOfInteger(dtype));
    // Steps that stand for numbers beyond the range (16-bit ones are symmetric) are left out.
    input.quant = QuantOver(dtype, in);
    if (BitsOf(dtype) > 8) input.low = std::ceil(in.low / static_cast<double>(input.quant->scales[0]));
    in = {in.low * 0.9, in.high * 0.9};
  }
  test.outputs_quant = {QuantOver(dtype, out)};
  return test;
}

}  // namespace

std::vector<TestCase> WithQuantized(std::vector<TestCase> cases, RealRange in, RealRange out,
                                    DTypeSet dtypes) {
  const auto largest = std::max_element(cases.begin(), cases.end(), [](const TestCase& a, const TestCase& b) {
    return ElementsOf(a) < ElementsOf(b);
  });
  const TestCase pattern = *largest;
  for (DType dtype : {DType::kU8, DType::kI8, DType::kI16}) {
    if (dtypes.Has(dtype)) cases.push_back(Quantized(pattern, dtype, in, out));
  }
  return cases;
}

OpDef UnaryOp(DTypeSet dtypes) {
  OpDef op;
  op.group = "math";
  op.inputs = {{"x", dtypes, "any shape"}};
  op.outputs = {{"y", dtypes, "the shape and type of x"}};
  op.infer = InferSameAsInput;
  return op;
}

OpDef BinaryOp(DTypeSet dtypes) {
  OpDef op;
  op.group = "math";
  op.inputs = {{"a", dtypes, "any shape"}, {"b", dtypes, "broadcasts with a"}};
  op.outputs = {{"c", dtypes, "the broadcast shape"}};
  op.infer = InferBroadcast;
  return op;
}

OpDef VariadicOp(DTypeSet dtypes) {
  OpDef op;
  op.group = "math";
  op.inputs = {{"data", dtypes, "of one type; they broadcast", Arity::kOneOrMore}};
  op.outputs = {{"y", dtypes, "the broadcast shape"}};
  op.infer = InferBroadcast;
  return op;
}

}  // namespace slipway
