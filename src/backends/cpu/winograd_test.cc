// Winograd convolutions against their definition in double, on every instruction set that the machine has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "backends/cpu/kernels/simd/targets.h"
#include "backends/cpu/kernels/winograd/winograd_f32.h"
#include "backends/cpu/test_targets.h"
#include "hwy/highway.h"

namespace slipway::cpu {
namespace {

constexpr uint32_t kSeed = 20261128;
constexpr float kUntouched = -12345.0F;  // what stands between the rows of an output

struct Layer {
  int64_t batch = 1, h = 1, w = 1, in_c = 1, out_c = 1;
  int64_t pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;
  int64_t in_gap = 0, out_gap = 0;  // elements between rows
  bool has_residual = false, is_residual_last = false;
  float low = -1;  // of the inputs; up to 1
};

std::vector<float> Random(int64_t count, float low, std::mt19937& random) {
  std::uniform_real_distribution<float> draw(low, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = draw(random);
  return values;
}

// A layer with its operands; the activation is ReLU.
class Scene {
 public:
  Scene(WinogradForm form, WinogradWeights weights, const Layer& layer)
      : layer_(layer), weights_(weights), random_(kSeed) {
    const int64_t stride = SizeOf(form).stride;
    ConvGeometry& g = conv_.geometry;
    g = {layer.batch, layer.h, layer.w, layer.in_c, layer.in_c + layer.in_gap};
    g.out_h = (layer.h + layer.pad_top + layer.pad_bottom - 3) / stride + 1;
    g.out_w = (layer.w + layer.pad_left + layer.pad_right - 3) / stride + 1;
    g.out_c = layer.out_c;
    g.out_step = layer.out_c + layer.out_gap;
    g.kernel_h = g.kernel_w = 3;
    g.stride_h = g.stride_w = stride;
    g.pad_h = layer.pad_top;
    g.pad_w = layer.pad_left;
    x_ = Random(g.batch * g.in_h * g.in_w * g.in_step, layer.low, random_);
    w_ = Random(9 * g.in_c * g.out_c, -1, random_);
    bias_ = Random(PanelsOf(g.out_c) * kPanel, -1, random_);
    residual_ = Random(g.out_pixels() * (g.out_c + 3), -1, random_);
    zeros_.assign(static_cast<size_t>(g.in_c), 0.0F);
    packed_.resize(static_cast<size_t>(WinogradWeightFloats(form, weights, g.out_c, g.in_c)));
    PackWinograd(form, weights, w_.data(), g.out_c, g.in_c, 9 * g.in_c, g.in_c, 1, packed_.data());
    conv_.form = form;
    conv_.x = x_.data();
    conv_.weights = packed_.data();
    conv_.epilogue.bias = bias_.data();
    conv_.zeros = zeros_.data();
    conv_.epilogue.activation.low = 0;
    conv_.epilogue.residual = layer.has_residual ? residual_.data() : nullptr;
    conv_.epilogue.residual_step = g.out_c + 3;
    conv_.epilogue.is_residual_last = layer.is_residual_last;
  }

  std::vector<float> Run(int threads) {
    const ConvGeometry& g = conv_.geometry;
    std::vector<float> y(static_cast<size_t>(g.out_pixels() * g.out_step), kUntouched);
    conv_.y = y.data();
    const WinogradPlan plan = PlanWinograd(conv_.form, weights_, g, threads);
    // Whatever is in the scratch must not matter.
    std::vector<float> scratch(static_cast<size_t>(plan.ScratchFloats(threads) + kPanel), NAN);
    const auto offset = reinterpret_cast<uintptr_t>(scratch.data()) % 64 / sizeof(float);
    ThreadPool pool(threads);
    RunWinograd(conv_, plan, scratch.data() + (kPanel - static_cast<int64_t>(offset)) % kPanel, threads,
                pool);
    return y;
  }

  // By definition.
  std::vector<double> Expected() const {
    const ConvGeometry& g = conv_.geometry;
    std::vector<double> y(static_cast<size_t>(g.out_pixels() * g.out_step), kUntouched);
    for (int64_t pixel = 0; pixel < g.out_pixels(); ++pixel) {
      for (int64_t o = 0; o < g.out_c; ++o) {
        const double added = layer_.has_residual
                                 ? residual_[static_cast<size_t>(pixel * conv_.epilogue.residual_step + o)]
                                 : 0;
        const double sum = bias_[static_cast<size_t>(o)] + Sum(pixel, o);
        y[static_cast<size_t>(pixel * g.out_step + o)] =
            layer_.is_residual_last ? std::max(sum, 0.0) + added : std::max(sum + added, 0.0);
      }
    }
    return y;
  }

 private:
  double Sum(int64_t pixel, int64_t o) const {
    const ConvGeometry& g = conv_.geometry;
    const int64_t image = pixel / g.out_w / g.out_h;
    double sum = 0;
    for (int64_t tap = 0; tap < 9; ++tap) {
      const int64_t y = pixel / g.out_w % g.out_h * g.stride_h - g.pad_h + tap / 3;
      const int64_t x = pixel % g.out_w * g.stride_w - g.pad_w + tap % 3;
      if (y < 0 || y >= g.in_h || x < 0 || x >= g.in_w) continue;
      const float* row = x_.data() + ((image * g.in_h + y) * g.in_w + x) * g.in_step;
      const float* weights = w_.data() + (o * 9 + tap) * g.in_c;
      for (int64_t c = 0; c < g.in_c; ++c)
        sum += static_cast<double>(row[c]) * static_cast<double>(weights[c]);
    }
    return sum;
  }

  Layer layer_;
  WinogradWeights weights_;
  std::mt19937 random_;
  WinogradF32 conv_;
  std::vector<float> x_, w_, bias_, residual_, zeros_, packed_;
};

// The largest error, as a part of the largest element; infinite where something else was written.
double ErrorOf(const std::vector<float>& got, const std::vector<double>& want) {
  double error = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const bool is_gap = want[i] == static_cast<double>(kUntouched);
    const double apart = std::fabs(static_cast<double>(got[i]) - want[i]);
    if (std::isnan(apart) || (is_gap && apart != 0)) return INFINITY;
    error = std::max(error, apart);
    if (!is_gap) largest = std::max(largest, std::fabs(want[i]));
  }
  return error / largest;
}

// Around the edges of tiles, panels, paddings and what a thread takes.
std::vector<Layer> Layers() {
  std::vector<Layer> layers;
  for (int64_t size : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 17})
    layers.push_back({.batch = size % 3 + 1, .h = size, .w = size + size % 2 * 3, .in_c = 5, .out_c = 7});
  for (int64_t channels : {1, 3, 4, 8, 15, 16, 17, 24, 31, 33, 64, 255})
    layers.push_back({.h = 9, .w = 10, .in_c = channels, .out_c = 256 - channels});
  layers.push_back({.h = 11,
                    .w = 13,
                    .in_c = 20,
                    .out_c = 19,
                    .pad_top = 0,
                    .pad_left = 0,
                    .pad_bottom = 0,
                    .pad_right = 0});
  layers.push_back({.h = 11,
                    .w = 13,
                    .in_c = 20,
                    .out_c = 19,
                    .pad_top = 0,
                    .pad_left = 2,
                    .pad_bottom = 1,
                    .pad_right = 0});
  layers.push_back(
      {.h = 3, .w = 2, .in_c = 6, .out_c = 40, .pad_top = 2, .pad_left = 2, .pad_bottom = 2, .pad_right = 2});
  layers.push_back(
      {.h = 5, .w = 4, .in_c = 6, .out_c = 9, .pad_top = 9, .pad_left = 0, .pad_bottom = 7, .pad_right = 10});
  layers.push_back({.batch = 2, .h = 14, .w = 9, .in_c = 24, .out_c = 24, .in_gap = 7, .out_gap = 40});
  for (bool is_last : {false, true}) {
    layers.push_back({.h = 13,
                      .w = 15,
                      .in_c = 9,
                      .out_c = 37,
                      .out_gap = 3,
                      .has_residual = true,
                      .is_residual_last = is_last});
  }
  layers.push_back({.h = 40, .w = 41, .in_c = 64, .out_c = 48});  // several blocks
  return layers;
}

class WinogradTest : public OnTarget {};

constexpr WinogradForm kForms[] = {WinogradForm::kF4x4, WinogradForm::kF6x6, WinogradForm::kF4x4Stride2,
                                   WinogradForm::kF4x4Bf16};

constexpr WinogradWeights kWeights[] = {WinogradWeights::kTransformed, WinogradWeights::kTaps};

bool CanRun(WinogradForm form) { return !IsBf16(form) || !WhyNoBf16(); }

// Calls test(form, weights) for all that can run.
template <class Test>
void ForEveryForm(const Test& test) {
  for (const WinogradForm form : kForms) {
    for (const WinogradWeights weights : kWeights) {
      SCOPED_TRACE("form " + std::to_string(static_cast<int>(form)) + ", weights " +
                   std::to_string(static_cast<int>(weights)));
      if (CanRun(form)) test(form, weights);
    }
  }
}

TEST_P(WinogradTest, IsTheConvolution) {
  RecordProperty("seed", static_cast<int>(kSeed));
  const std::vector<Layer> layers = Layers();
  ForEveryForm([&](WinogradForm form, WinogradWeights weights) {
    for (size_t i = 0; i < layers.size(); ++i) {
      Scene scene(form, weights, layers[i]);
      const std::vector<double> want = scene.Expected();
      for (int threads : {1, 2, 3}) {
        EXPECT_LE(ErrorOf(scene.Run(threads), want), RelativeErrorOf(form))
            << "layer " << i << ", threads " << threads;
      }
    }
  });
}

// Means that do not cancel, as behind a ReLU, and deep sums: what the declared errors must hold for.
TEST_P(WinogradTest, KeepsItsErrorOnDeepSums) {
  ForEveryForm([](WinogradForm form, WinogradWeights weights) {
    for (const float low : {-1.0F, 0.0F}) {
      Scene scene(form, weights, {.h = 14, .w = 14, .in_c = 512, .out_c = 16, .low = low});
      EXPECT_LE(ErrorOf(scene.Run(1), scene.Expected()), RelativeErrorOf(form)) << "inputs from " << low;
    }
  });
}

TEST(WinogradErrors, AreWithinWhatTheEngineAllows) {
  for (const WinogradForm form : kForms) EXPECT_LE(RelativeErrorOf(form), IsBf16(form) ? 3e-2 : 1e-4);
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, WinogradTest, ::testing::ValuesIn(TargetsToTest()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace slipway::cpu
