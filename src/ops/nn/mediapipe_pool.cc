// MediaPipe's pooling that remembers where in its window each maximum was, and the way back.
//
// Source: MediaPipe's custom TFLite operators MaxPoolingWithArgmax2D and MaxUnpooling2D. Indices are floats,
// row by row within the window, with 0.1 added so that they survive rounding down.
#include <cstring>
#include <limits>

#include "base/scalar.h"
#include "ops/nn/mediapipe.h"
#include "ops/nn/pool.h"

namespace slipway {

Result<std::vector<int32_t>> MediapipeOptions(const ImportContext& context, size_t count) {
  const std::string& bytes = context.attrs().String("custom_options");
  if (bytes.size() < count * sizeof(int32_t))
    return context.Error("its options have " + std::to_string(bytes.size()) + " bytes; they need " +
                         std::to_string(count * sizeof(int32_t)));
  std::vector<int32_t> values(count);
  std::memcpy(values.data(), bytes.data(), count * sizeof(int32_t));
  if (values[0] != kMediapipeSame && values[0] != kMediapipeValid)
    return context.Error("padding " + std::to_string(values[0]) + " is neither 1, same, nor 2, valid");
  for (size_t i = 1; i < count; ++i) {
    if (values[i] < 1 || values[i] > 1 << 20)
      return context.Error("option " + std::to_string(i) + " is " + std::to_string(values[i]));
  }
  return values;
}

namespace {

constexpr float kNudge = 0.1F;

// Options of both operators: padding, stride and window, width before height.
Status ImportPool(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int32_t> options, MediapipeOptions(context, 5));
  return context.Emit(context.op().name, context.node().inputs,
                      {{"layout", std::string("channels_last")},
                       {"auto_pad", std::string(options[0] == kMediapipeSame ? "SAME_UPPER" : "VALID")},
                       {"strides", Ints{options[2], options[1]}},
                       {"kernel_shape", Ints{options[4], options[3]}}});
}

Status InferPoolWithIndices(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(InferPool(context));
  if (!context.HasOutput(1)) return Status::Ok();
  Type indices = context.output(0).type;
  context.SetOutput(1, std::move(indices));
  return Status::Ok();
}

Status RunPool(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const PoolCall call, ReadPoolCall(context));
  const float* x = context.in(0).as<float>();
  ForEachPixel(call.out, [&](int64_t to, int64_t n, int64_t c, const std::array<int64_t, 3>& at) {
    float most = std::numeric_limits<float>::lowest();
    int64_t best = 0;
    ForEachInWindow(call, n, c, at, [&](int64_t from, const std::array<int64_t, 3>& in) {
      if (!(x[from] > most)) return;
      most = x[from];
      best = 0;
      for (size_t i = 0; i < 3; ++i)
        best = best * call.window.kernel[i] + in[i] - (at[i] * call.window.stride[i] - call.window.pad[i]);
    });
    context.out(0).as<float>()[to] = static_cast<float>(ApplyActivation(call.activation, double{most}));
    if (context.HasOutput(1)) context.out(1).as<float>()[to] = static_cast<float>(best) + kNudge;
  });
  return Status::Ok();
}

// What the pooling must have been given: as many windows side by side as there are results.
Status InferUnpool(InferContext& context) {
  const Ints& kernel = context.attrs().IntList("kernel_shape");
  const Ints& strides = context.attrs().IntList("strides");
  if (kernel.size() != 2 || strides.size() != 2)
    return context.Error("needs a window and strides of two axes");
  for (size_t i = 0; i < 2; ++i) {
    if (kernel[i] < 1 || strides[i] < 1) return context.Error("window and strides must be 1 or more");
  }
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  if (!context.shape(0)) return Status::Ok();
  const DimList& x = *context.shape(0);
  if (x.size() != 4) return context.Error("x is " + ToString(x) + "; it must be [N,H,W,C]");
  context.SetOutput(0, context.dtype(0), {x[0], x[1] * kernel[0], x[2] * kernel[1], x[3]});
  return Status::Ok();
}

Status RunUnpool(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& indices = context.in(1);
  Tensor& y = context.out(0);
  if (indices.dims() != x.dims())
    return context.Error("x is " + Describe(x) + ", the indices " + Describe(indices));
  const Ints& kernel = context.attrs().IntList("kernel_shape");
  const Ints& strides = context.attrs().IntList("strides");
  const auto pad = [&](size_t i) {
    const auto axis = static_cast<int>(i) + 1;
    return std::max<int64_t>((x.dim(axis) - 1) * strides[i] + kernel[i] - y.dim(axis), 0) / 2;
  };
  std::fill_n(y.as<float>(), y.count(), 0.0F);
  for (int64_t i = 0; i < x.count(); ++i) {
    const float given = indices.as<float>()[i];
    const auto index =
        given >= 0 && given < static_cast<float>(kernel[0] * kernel[1]) ? static_cast<int64_t>(given) : -1;
    if (index < 0) continue;  // outside the window
    const int64_t channel = i % x.dim(3);
    const int64_t column = i / x.dim(3) % x.dim(2) * strides[1] - pad(1) + index % kernel[1];
    const int64_t row = i / (x.dim(3) * x.dim(2)) % x.dim(1) * strides[0] - pad(0) + index / kernel[1];
    const int64_t image = i / (x.dim(3) * x.dim(2) * x.dim(1));
    if (row < 0 || column < 0 || row >= y.dim(1) || column >= y.dim(2)) continue;
    y.as<float>()[((image * y.dim(1) + row) * y.dim(2) + column) * y.dim(3) + channel] = x.as<float>()[i];
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeMaxPoolInWindow() {
  OpDef op;
  op.name = "MaxPoolInWindow";
  op.group = "nn";
  op.summary = "Maximum under a sliding window, and where in the window it was.";
  op.inputs = {{"x", {DType::kF32}, "[N,spatial...,C] or [N,C,spatial...]"}};
  op.outputs = {
      {"y", {DType::kF32}, "pooled"},
      {"indices", {DType::kF32}, "place within the window, row by row, plus 0.1", Arity::kOptional}};
  op.attrs = PoolAttrs();
  op.infer = InferPoolWithIndices;
  op.reference = RunPool;
  op.flops = PoolFlops;
  op.cases = [] {
    TestCase test{"2x2",
                  {{.dims = {1, 5, 6, 3}}},
                  {{"kernel_shape", Ints{2, 2}},
                   {"strides", Ints{2, 2}},
                   {"auto_pad", std::string("SAME_UPPER")},
                   {"layout", std::string("channels_last")}}};
    test.num_outputs = 2;
    return std::vector<TestCase>{test};
  };
  op.foreign = {{Format::kTflite, "MaxPoolingWithArgmax2D", 1, INT_MAX, ImportPool}};
  return op;
}

OpDef MakeMaxUnpoolInWindow() {
  OpDef op;
  op.name = "MaxUnpoolInWindow";
  op.group = "nn";
  op.summary = "Puts maxima back where MaxPoolInWindow found them; the rest is 0.";
  op.inputs = {{"x", {DType::kF32}, "[N,H,W,C]"},
               {"indices", {DType::kF32}, "the shape of x: place within the window; outside: dropped"}};
  op.outputs = {{"y", {DType::kF32}, "[N,H*window,W*window,C]"}};
  op.attrs = {
      Required(IntsAttr("kernel_shape", {}, "[height,width] of the window")),
      IntsAttr("strides", {1, 1}, "[height,width]"), LayoutAttr(),
      StringAttr("auto_pad", "VALID", {"SAME_UPPER", "VALID"}, "of the pooling; the shapes say how much")};
  op.infer = InferUnpool;
  op.reference = RunUnpool;
  op.cases = [] {
    return std::vector<TestCase>{
        {"2x2",
         {{.dims = {1, 3, 2, 4}}, {.dims = {1, 3, 2, 4}, .low = 0, .high = 3.9}},
         {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"layout", std::string("channels_last")}}}};
  };
  op.foreign = {{Format::kTflite, "MaxUnpooling2D", 1, INT_MAX, ImportPool}};
  return op;
}

}  // namespace slipway
