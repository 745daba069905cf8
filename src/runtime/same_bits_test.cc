// Results are the same bits: of one engine again and again, of two contexts at once, of a second engine, of
// one that takes what a build packed, and of engines of one, two and three threads.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "build/section.h"
#include "ops/case_scene.h"
#include "runtime/engine.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261129;

struct Scene {
  const char* name;
  const char* op;
  TestCase test;  // large enough that threads share its loops
};
void PrintTo(const Scene& scene, std::ostream* out) { *out << scene.name; }

TestInput Constant(Dims dims) {
  TestInput input{.dims = std::move(dims)};
  input.is_constant = true;
  return input;
}

TestInput Constants(const Ints& values) {
  TestInput input = Constant({static_cast<int64_t>(values.size())});
  input.dtype = DType::kI64;
  input.values.assign(values.begin(), values.end());
  return input;
}

// An image of 40 rows, 40 columns and 32 channels, and what `op` does to it.
Scene OfImage(const char* name, const char* op, std::vector<TestInput> constants, Attrs attrs) {
  std::vector<TestInput> inputs = {{.dims = {1, 40, 40, 32}}};
  inputs.insert(inputs.end(), constants.begin(), constants.end());
  attrs.Set("layout", std::string("channels_last"));
  return {name, op, {name, std::move(inputs), std::move(attrs)}};
}

Scene OfMatrix(const char* name, const char* op, std::vector<TestInput> others, Attrs attrs = {}) {
  std::vector<TestInput> inputs = {{.dims = {150, 512}}};
  inputs.insert(inputs.end(), others.begin(), others.end());
  return {name, op, {name, std::move(inputs), std::move(attrs)}};
}

std::vector<Scene> Scenes() {
  const Ints same = {1, 1, 1, 1};
  return {
      OfImage("conv", "Conv", {Constant({48, 3, 3, 32}), Constant({48})}, {{"pads", same}}),
      OfImage("conv_stride_2", "Conv", {Constant({48, 3, 3, 32})}, {{"pads", same}, {"strides", Ints{2, 2}}}),
      OfImage("pointwise", "Conv", {Constant({64, 1, 1, 32})}, {}),
      OfImage("few_outputs", "Conv", {Constant({2, 3, 3, 32})}, {{"pads", same}}),
      OfImage("depthwise", "Conv", {Constant({32, 3, 3, 1})}, {{"pads", same}, {"group", int64_t{32}}}),
      OfImage("transposed", "ConvTranspose", {Constant({24, 2, 2, 32})}, {{"strides", Ints{2, 2}}}),
      OfImage("max_pool", "MaxPool", {}, {{"kernel_shape", Ints{3, 3}}}),
      OfImage("average_of_image", "GlobalAveragePool", {}, {}),
      OfImage("instance_norm", "InstanceNormalization", {Constant({32}), Constant({32})}, {}),
      OfMatrix("linear", "FullyConnected", {Constant({96, 512}), Constant({96})}),
      OfMatrix("product", "MatMul", {{.dims = {512, 96}}}),
      OfMatrix("softmax", "Softmax", {}, {{"axis", int64_t{-1}}}),
      OfMatrix("layer_norm", "LayerNormalization", {Constant({512}), Constant({512})}),
      OfMatrix("sum_of_rows", "ReduceSum", {Constants({1})}),
      OfMatrix("sum_of_columns", "ReduceSum", {Constants({0})}),
      OfMatrix("sum_of_all", "ReduceSum", {Constants({0, 1})}),
      OfMatrix("gelu", "Gelu", {}),
      OfMatrix("add", "Add", {{.dims = {150, 512}}}),
      OfMatrix("transpose", "Transpose", {}, {{"perm", Ints{1, 0}}}),
      {"attention",
       "Attention",
       {"attention",
        {{.dims = {2, 64, 256}}, {.dims = {2, 64, 256}}, {.dims = {2, 64, 256}}},
        {{"q_num_heads", int64_t{4}}, {"kv_num_heads", int64_t{4}}}}},
  };
}

using Bytes = std::vector<uint8_t>;

class SameBits : public testing::TestWithParam<Scene> {
 protected:
  void SetUp() override {
    auto scene = MakeCaseScene(*FindOp(GetParam().op), GetParam().test, kSeed);
    ASSERT_TRUE(scene.ok()) << scene.status().ToString();
    scene_ = std::move(*scene);
    for (size_t i = 0; i < scene_.inputs.size(); ++i) {
      if (!scene_.graph.value(scene_.node().inputs[i]).IsConstant())
        inputs_.push_back(scene_.inputs[i].tensor);
    }
  }

  // The choice for the node, the candidates among it.
  Choice ChoiceOf(Precision precision) const {
    auto choices = ChooseTactics(scene_.graph, *BackendsNamed("cpu", true), {.precision = precision});
    EXPECT_TRUE(choices.ok()) << choices.status().ToString();
    return choices.ok() ? (*choices)[0] : Choice();
  }

  std::shared_ptr<const Engine> Create(const Tactic& tactic, int num_threads, bool is_packed) const {
    EngineOptions options;
    options.num_threads = num_threads;
    options.precision = tactic.precision();
    options.tactics = {tactic.name()};
    if (is_packed) {
      Choice choice;
      choice.tactic = &tactic;
      const auto section = MakeSection(scene_.graph, {choice}, "here");
      EXPECT_TRUE(section.ok()) << section.status().ToString();
      options.packed = {section->steps[0].parts};
    }
    auto engine = Engine::Create(scene_.graph, options);
    EXPECT_TRUE(engine.ok()) << engine.status().ToString();
    return *engine;
  }

  Bytes Run(Context& context) const {
    const auto outputs = context.Run(inputs_);
    EXPECT_TRUE(outputs.ok()) << outputs.status().ToString();
    const auto* data = static_cast<const uint8_t*>((*outputs)[0].data());
    return {data, data + (*outputs)[0].size_bytes()};
  }

  // How many of some runs, in two contexts at once, gave anything else.
  int Different(const Engine& engine, const Bytes& want) const {
    std::vector<int> different(2, 0);
    std::vector<std::thread> callers;
    for (int& count : different) {
      callers.emplace_back([&engine, &want, &count, this] {
        const auto context = engine.NewContext();
        for (int round = 0; round < 5; ++round) count += Run(*context) != want;
      });
    }
    for (std::thread& caller : callers) caller.join();
    return different[0] + different[1];
  }

  void ExpectSameBits(const Tactic& tactic) const {
    const Bytes want = Run(*Create(tactic, 1, false)->NewContext());
    for (const int num_threads : {1, 2, 3}) {
      for (const bool is_packed : {false, true}) {
        EXPECT_EQ(Different(*Create(tactic, num_threads, is_packed), want), 0)
            << tactic.name() << " on " << num_threads << " threads" << (is_packed ? ", packed" : "");
      }
    }
  }

  CaseScene scene_;
  std::vector<Tensor> inputs_;
};

TEST_P(SameBits, WhateverContextEngineAndThreads) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kF16}) {
    if (FindBackend("cpu")->WhyNo(precision)) continue;
    for (const auto& candidate : ChoiceOf(precision).candidates) {
      if (candidate.tactic->precision() == precision) ExpectSameBits(*candidate.tactic);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Scenes, SameBits, testing::ValuesIn(Scenes()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace slipway
