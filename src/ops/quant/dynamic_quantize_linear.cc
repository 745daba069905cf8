// Reals to u8 by a scale and zero point taken from their own range.
#include <algorithm>
#include <cmath>

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

OpDef MakeDynamicQuantizeLinear() {
  OpDef op;
  op.name = "DynamicQuantizeLinear";
  op.group = "quant";
  op.summary = "Quantises to u8 by the tensor's own range, 0 included.";
  op.formula = "scale = (max(x, 0) - min(x, 0)) / 255, zero_point = saturate(round(-min / scale))";
  op.inputs = {{"x", {DType::kF32}, "any shape"}};
  op.outputs = {{"y", {DType::kU8}, "the shape of x"},
                {"scale", {DType::kF32}, "scalar"},
                {"zero_point", {DType::kU8}, "scalar"}};
  op.infer = [](InferContext& context) {
    Type type = context.input(0);
    type.dtype = DType::kU8;
    context.SetOutput(0, std::move(type));
    context.SetOutput(1, DType::kF32, {});
    context.SetOutput(2, DType::kU8, {});
    return Status::Ok();
  };
  op.reference = [](RunContext& context) {
    const std::span<const float> x = context.in(0).values<float>();
    float low = 0;
    float high = 0;
    for (float value : x) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
    const float scale = high == low ? 1.0F : (high - low) / 255.0F;
    const float zero = std::nearbyint(std::clamp(-low / scale, 0.0F, 255.0F));
    for (size_t i = 0; i < x.size(); ++i) {
      context.out(0).as<uint8_t>()[i] =
          static_cast<uint8_t>(std::clamp(std::nearbyint(x[i] / scale) + zero, 0.0F, 255.0F));
    }
    if (context.HasOutput(1)) context.out(1).as<float>()[0] = scale;
    if (context.HasOutput(2)) context.out(2).as<uint8_t>()[0] = static_cast<uint8_t>(zero);
    return Status::Ok();
  };
  op.flops = [](const InferContext& context) { return 5 * context.CountOfOutput(0); };
  op.cases = [] {
    return std::vector<TestCase>{{"both_signs", {{.dims = {3, 41}}}, {}, 3},
                                 {"positive", {{.dims = {130}, .low = 1, .high = 3}}, {}, 3},
                                 {"zeros", {{.dims = {5}, .low = 0, .high = 0}}, {}, 3}};
  };
  op.foreign = {{Format::kOnnx, "DynamicQuantizeLinear"}};
  return op;
}

}  // namespace slipway
