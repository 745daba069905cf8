// Times single operators on the `cpu` backend, one thread, after holding each against its reference.
//
// Every line says which tactic ran, its rate, the part of this machine's measured peak, and the cost model's
// estimate beside the measured time. A wrong result or a rate above the peak fails the run.
//
// slipway_kernels_bench [--benchmark_filter=REGEX ...]
#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <cstdio>

#include "base/scalar.h"
#include "build/choose.h"
#include "ops/case_scene.h"
#include "ops/cost.h"
#include "perf/peak.h"
#include "runtime/engine.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261124;

struct Case {
  std::string label;
  std::string op;
  std::vector<TestInput> inputs;
  Attrs attrs;
  std::optional<Quant> output_quant = std::nullopt;
  std::string tactic = {};  // empty: what the cost model chooses
};

bool has_failed = false;

void Fail(benchmark::State& state, const std::string& message) {
  has_failed = true;
  state.SkipWithError(message.c_str());
}

// What the tactic's algorithm adds to the record's tolerance, as a part of the largest number.
double AddedError(const std::string& name) {
  const Tactic* tactic = FindTactic(name);
  return tactic != nullptr && tactic->RelativeError() > Tactic::kPlainError ? tactic->RelativeError() : 0;
}

// How many multiplications of the operator's definition stand for one that the tactic does.
double SavedWork(const std::string& name, const Step& step, double flops) {
  const Tactic* tactic = FindTactic(name);
  return tactic == nullptr ? 1 : flops / tactic->Flops(step).value_or(flops);
}

// Empty when `got` agrees with the reference: integers to the bit, floats as the record and the tactic allow
// of the largest number, for sums in another order.
std::string Difference(const Tensor& got, const Tensor& want, const Tolerance& tolerance) {
  if (got.dims() != want.dims()) return "shape " + Describe(got) + ", reference " + Describe(want);
  double largest = 0;
  for (int64_t i = 0; i < want.count(); ++i)
    largest = std::max(largest, std::abs(LoadReal(want.dtype(), want.data(), i)));
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    const double bound =
        IsInteger(want.dtype()) ? 0 : tolerance.absolute + tolerance.relative * std::max(largest, 1.0);
    if (!(std::abs(a - b) <= bound))
      return "element " + std::to_string(i) + " is " + std::to_string(a) + ", reference " + std::to_string(b);
  }
  return {};
}

void Run(benchmark::State& state, const Case& test, const Peak& peak) {
  const OpDef& op = *FindOp(test.op);
  const auto scene = MakeCaseScene(op, {test.label, test.inputs, test.attrs, 1, {test.output_quant}}, kSeed);
  if (!scene.ok()) return Fail(state, scene.status().message());
  EngineOptions options;
  options.num_threads = 1;
  if (!test.tactic.empty()) options.tactics = {test.tactic};
  const auto engine = Engine::Create(scene->graph, options);
  if (!engine.ok()) return Fail(state, engine.status().message());
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < test.inputs.size(); ++i) {
    if (!test.inputs[i].is_constant) inputs.push_back(scene->inputs[i].tensor);
  }
  const auto context = (*engine)->NewContext();
  const auto got = context->Run(inputs);
  if (!got.ok()) return Fail(state, got.status().message());
  const auto want = RunReference(scene->graph, scene->node(), scene->operands(), nullptr);
  if (!want.ok()) return Fail(state, want.status().message());
  Tolerance tolerance = op.tolerance;
  tolerance.relative += AddedError((*engine)->steps()[0].tactic);
  const std::string difference = Difference((*got)[0], (*want)[0].tensor, tolerance);
  if (!difference.empty()) return Fail(state, difference);

  const auto operands = MakeStep(scene->graph, scene->node());
  if (!operands.ok()) return Fail(state, operands.status().message());
  const StepInfo& step = (*engine)->steps()[0];
  double best_us = 1e30;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(context->Run(inputs));
    const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - start;
    best_us = std::min(best_us, us.count());
  }
  const Cost cost = CostOf(op, scene->node(), operands->inputs, operands->outputs);
  const bool is_int8 = test.inputs[0].dtype == DType::kI8 || test.inputs[0].dtype == DType::kU8;
  const double gflops = cost.flops / best_us / 1e3;
  const double gbytes = cost.bytes / best_us / 1e3;
  const double of_flops = gflops / (is_int8 ? peak.int8_gops : peak.f32_gflops);
  const double of_loads = gbytes / peak.load_gbytes();
  state.counters["GFLOP/s"] = gflops;
  state.counters["GB/s"] = gbytes;
  state.counters["peak%"] = 100 * std::max(of_flops, of_loads);
  state.counters["best_us"] = best_us;
  state.counters["model_us"] = step.estimate_us;
  state.SetLabel(step.tactic);
  const double slack = kRoofSlack * SavedWork(step.tactic, *operands, cost.flops);
  if (of_flops > slack || of_loads > kRoofSlack)
    Fail(state, "a rate above the machine's peak: the measurement is wrong");
}

TestInput F32(Dims dims) { return {DType::kF32, std::move(dims), -1, 1}; }
TestInput Weights(Dims dims) {
  TestInput input = F32(std::move(dims));
  input.is_constant = true;
  return input;
}
TestInput U8(Dims dims) { return {DType::kU8, std::move(dims), 0, 256, Quant{{0.02F}, {128}}}; }

Attrs ConvAttrs(int64_t stride, int64_t pad, int64_t group = 1) {
  return {{"strides", Ints{stride, stride}},
          {"pads", Ints{pad, pad, pad, pad}},
          {"group", group},
          {"layout", std::string("channels_last")}};
}

// A quantised convolution as TFLite has it: u8 in and out, i32 bias.
Case QuantizedConv(std::string label, Dims x, Dims w, Attrs attrs) {
  const int64_t channels = w[0];
  TestInput weights = U8(std::move(w));
  weights.is_constant = true;
  TestInput bias{DType::kI32, {channels}, -1000, 1000, Quant{{0.0004F}, {0}}};
  bias.is_constant = true;
  return {
      std::move(label), "Conv", {U8(std::move(x)), weights, bias}, std::move(attrs), Quant{{0.1F}, {120}}};
}

// The 3x3 convolutions of YOLOv5, ResNet-50 and UNet-ResNet34, one of each kind, at a size that the reference
// can be asked for.
std::vector<Case> ModelCases() {
  struct Layer {
    int64_t size, in_c, out_c, stride;
  };
  const auto case_of = [](const std::string& label, const Layer& l, const std::string& tactic) {
    return Case{label,
                "Conv",
                {F32({1, l.size, l.size, l.in_c}), Weights({l.out_c, 3, 3, l.in_c})},
                ConvAttrs(l.stride, 1),
                std::nullopt,
                tactic};
  };
  std::vector<Case> cases;
  for (const Layer& l :
       {Layer{160, 16, 16, 1}, Layer{160, 32, 32, 1}, Layer{80, 64, 64, 1}, Layer{40, 128, 128, 1},
        Layer{20, 256, 256, 1}, Layer{14, 256, 256, 1}, Layer{7, 512, 512, 1}, Layer{16, 512, 512, 1},
        Layer{64, 192, 64, 1}, Layer{256, 16, 1, 1}, Layer{160, 32, 64, 2}, Layer{80, 64, 128, 2},
        Layer{40, 128, 256, 2}, Layer{40, 256, 512, 2}, Layer{14, 512, 512, 2}}) {
    const std::string label = "conv3x3s" + std::to_string(l.stride) + "_" + std::to_string(l.in_c) + "x" +
                              std::to_string(l.out_c) + "_" + std::to_string(l.size);
    cases.push_back(case_of(label, l, ""));
  }
  // Winograd left out.
  for (const Layer& l : {Layer{56, 64, 64, 1}, Layer{40, 128, 128, 1}, Layer{20, 256, 256, 1}}) {
    const std::string label = "conv3x3_direct_" + std::to_string(l.in_c) + "_" + std::to_string(l.size);
    cases.push_back(case_of(label, l, "cpu/conv_f32"));
  }
  return cases;
}

std::vector<Case> Cases() {
  const Quant quant{{0.02F}, {128}};
  return {
      {"conv3x3_64x64_56", "Conv", {F32({1, 56, 56, 64}), Weights({64, 3, 3, 64})}, ConvAttrs(1, 1)},
      {"conv3x3s2_32x64_80", "Conv", {F32({1, 80, 80, 32}), Weights({64, 3, 3, 32})}, ConvAttrs(2, 1)},
      {"conv1x1_128x128_40", "Conv", {F32({1, 40, 40, 128}), Weights({128, 1, 1, 128})}, ConvAttrs(1, 0)},
      {"stem6x6s2_3x16_320", "Conv", {F32({1, 320, 320, 3}), Weights({16, 6, 6, 3})}, ConvAttrs(2, 2)},
      {"conv3x3_16x1_512", "Conv", {F32({1, 512, 512, 16}), Weights({1, 3, 3, 16})}, ConvAttrs(1, 1)},
      {"conv3x3_16x4_256", "Conv", {F32({1, 256, 256, 16}), Weights({4, 3, 3, 16})}, ConvAttrs(1, 1)},
      {"depthwise3x3_96_56", "Conv", {F32({1, 56, 56, 96}), Weights({96, 3, 3, 1})}, ConvAttrs(1, 1, 96)},
      QuantizedConv("conv3x3_64x64_56_u8", {1, 56, 56, 64}, {64, 3, 3, 64}, ConvAttrs(1, 1)),
      QuantizedConv("conv1x1_128x128_40_u8", {1, 40, 40, 128}, {128, 1, 1, 128}, ConvAttrs(1, 0)),
      QuantizedConv("depthwise3x3_96_56_u8", {1, 56, 56, 96}, {96, 3, 3, 1}, ConvAttrs(1, 1, 96)),
      {"matmul_128x768x768", "MatMul", {F32({128, 768}), Weights({768, 768})}, {}},
      {"add_200k", "Add", {F32({200000}), F32({200000})}, {}},
      {"add_bias_56x56x64", "Add", {F32({1, 56, 56, 64}), F32({64})}, {}},
      {"add_200k_u8", "Add", {U8({200000}), U8({200000})}, {}, quant},
      {"sigmoid_200k", "Sigmoid", {F32({200000})}, {}},
      {"sigmoid_200k_u8", "Sigmoid", {U8({200000})}, {}, Quant{{1.0F / 256}, {0}}},
      {"softmax_128x1000", "Softmax", {F32({128, 1000})}, {}},
      {"maxpool3x3s2_64_112",
       "MaxPool",
       {F32({1, 112, 112, 64})},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"layout", std::string("channels_last")}}},
      {"averagepool7x7_256",
       "AveragePool",
       {F32({1, 7, 7, 256})},
       {{"kernel_shape", Ints{7, 7}}, {"layout", std::string("channels_last")}}},
      {"transpose_nchw_64x56x56", "Transpose", {F32({1, 64, 56, 56})}, {{"perm", Ints{0, 2, 3, 1}}}},
      {"concat_2x64x56", "Concat", {F32({1, 56, 56, 64}), F32({1, 56, 56, 64})}, {{"axis", int64_t{3}}}},
  };
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const Peak peak = MeasurePeak();
  std::printf("peak of one core: %.0f GFLOP/s f32, %.0f Gop/s int8, %.0f GB/s from the first-level cache\n",
              peak.f32_gflops, peak.int8_gops, peak.load_gbytes());
  std::vector<Case> cases = Cases();
  for (Case& test : ModelCases()) cases.push_back(std::move(test));
  for (const Case& test : cases) {
    benchmark::RegisterBenchmark(test.label.c_str(), [test, peak](benchmark::State& state) {
      Run(state, test, peak);
    })->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return has_failed ? 1 : 0;
}

}  // namespace
}  // namespace slipway

int main(int argc, char** argv) { return slipway::Main(argc, argv); }
