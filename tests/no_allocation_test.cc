// Run does not touch the heap after the first call. This program counts every operator new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <new>

#include "formats/registry/import_model.h"
#include "ops/builder.h"
#include "passes/pipeline.h"
#include "runtime/engine.h"
#include "slipway/plugin_library.h"

namespace {

std::atomic<bool> is_counting{false};
std::atomic<int64_t> allocations{0};

void* Allocate(std::size_t size, std::size_t alignment) {
  if (is_counting) ++allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size, 16); }
void* operator new[](std::size_t size) { return Allocate(size, 16); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size, 16); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size, 16); }
void* operator new(std::size_t size, std::align_val_t align) {
  return Allocate(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return Allocate(size, static_cast<std::size_t>(align));
}
void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
  return Allocate(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
  return Allocate(size, static_cast<std::size_t>(align));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace slipway {
namespace {

// What allocates in a third run: tactics with their counts, and the context itself. Empty: nothing.
std::map<std::string, int64_t> WhoAllocates(const std::shared_ptr<const Engine>& engine) {
  const auto context = engine->NewContext();
  std::vector<Tensor> inputs;
  for (const PortInfo& port : engine->inputs())
    inputs.emplace_back(port.type.dtype, KnownDims(*port.type.shape));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(context->Run(inputs).ok());
  std::vector<int64_t> after_step(engine->steps().size());
  context->SetObserver([&](size_t step, double) { after_step[step] = allocations; });
  allocations = 0;
  is_counting = true;
  const bool is_ok = context->Run(inputs).ok();
  is_counting = false;
  EXPECT_TRUE(is_ok);
  std::map<std::string, int64_t> found;
  int64_t before = 0;
  for (size_t s = 0; s < after_step.size(); ++s) {
    const std::string& tactic = engine->steps()[s].tactic;
    if (after_step[s] > before) found[tactic] += after_step[s] - before;
    before = after_step[s];
  }
  if (allocations > before) found["context"] = allocations - before;
  return found;
}

Result<std::shared_ptr<const Engine>> CpuEngine(Graph graph) {
  EngineOptions options;
  options.num_threads = 2;
  return Engine::Create(std::move(graph), options);
}

Graph ConvNet() {
  Graph graph;
  GraphBuilder builder(graph);
  ValueId x = builder.Input("x", Type::Of(DType::kF32, {1, 3, 32, 32}));
  for (const int64_t channels : {3, 8}) {
    const ValueId weights = builder.Constant("w", Tensor(DType::kF32, {8, channels, 3, 3}));
    const ValueId bias = builder.Constant("b", Tensor(DType::kF32, {8}));
    x = *builder.Add("Conv", {x, weights, bias},
                     {{"pads", Ints{1, 1, 1, 1}}, {"activation", std::string("relu")}});
    x = *builder.Add("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  }
  x = *builder.Add("Sigmoid", {*builder.Add("Add", {x, x})});
  graph.outputs = {x};
  return graph;
}

TEST(NoAllocation, CountsWhatIsAllocated) {
  allocations = 0;
  is_counting = true;
  ::operator delete(::operator new(sizeof(int)));  // an expression `new` may be optimised away
  is_counting = false;
  EXPECT_EQ(allocations, 1);
}

TEST(NoAllocation, ConvolutionNetwork) {
  const auto engine = CpuEngine(ConvNet());
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  EXPECT_THAT((*engine)->steps(),
              testing::Each(testing::Field(&StepInfo::tactic, testing::StartsWith("cpu/"))));
  EXPECT_THAT(WhoAllocates(*engine), testing::IsEmpty());
}

// What surrounds a transformer: an embedding, a mask from the tokens, and arithmetic on positions.
TEST(NoAllocation, EmbeddingsAndMasks) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId tokens = builder.Input("tokens", Type::Of(DType::kI64, {2, 9}));
  const ValueId table = builder.Constant("table", Tensor(DType::kF32, {30, 16}));
  const ValueId one = builder.Constant("one", Tensor(DType::kI64, {}));
  const ValueId least = builder.Constant("least", Tensor(DType::kF32, {}));
  const ValueId rows = *builder.Add("Gather", {table, tokens});
  const ValueId seen = *builder.Add("Greater", {*builder.Add("Mul", {tokens, one}), one});
  const ValueId reals = *builder.Add("Cast", {tokens}, {{"to", DType::kF32}});
  const ValueId mask = *builder.Add("Where", {*builder.Add("Not", {seen}), least, reals});
  graph.outputs = {*builder.Add("Sin", {rows}), mask};
  const auto engine = CpuEngine(std::move(graph));
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  EXPECT_THAT((*engine)->steps(),
              testing::Each(testing::Field(&StepInfo::tactic, testing::StartsWith("cpu/"))));
  EXPECT_THAT(WhoAllocates(*engine), testing::IsEmpty());
}

class Halve : public Plugin {
 public:
  plugin::Description Describe() const override {
    return {.name = "test.Halve",
            .summary = "Half of x.",
            .inputs = {{.name = "x", .dtypes = {DType::kF32}}},
            .outputs = {{.name = "y", .dtypes = {DType::kF32}}}};
  }
  void Infer(plugin::InferCall& call) const override { call.SetOutput(0, call.input(0)); }
  std::unique_ptr<PluginKernel> Create(const plugin::Node&) const override {
    struct Kernel : PluginKernel {
      void Run(plugin::RunCall& call) const override {
        const auto x = call.in(0).values<const float>();
        const auto y = call.out(0).values<float>();
        call.ParallelFor(static_cast<int64_t>(x.size()), 8, [&](int64_t begin, int64_t end) {
          for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) y[i] = x[i] / 2;
        });
      }
    };
    return std::make_unique<Kernel>();
  }
};

TEST(NoAllocation, Plugins) {
  ASSERT_TRUE(RegisterPlugin(std::make_unique<Halve>()).ok());
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {4, 32}));
  graph.outputs = {*builder.Add("test.Halve@1", {x})};
  const auto engine = CpuEngine(std::move(graph));
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  EXPECT_THAT(WhoAllocates(*engine), testing::IsEmpty());
}

class NoAllocationModel : public testing::TestWithParam<std::string> {};

TEST_P(NoAllocationModel, RunsWithoutTheHeap) {
  const char* variable = std::getenv("SLIPWAY_ASSETS");
  const std::string assets = variable ? variable : std::string(SLIPWAY_SOURCE_DIR) + "/../shared/assets";
  const std::string path = assets + "/tflite/" + GetParam();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs SLIPWAY_ASSETS";
  auto model = ImportModel(path);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  ASSERT_TRUE(Optimize(model->graph, {}).ok());
  const auto engine = CpuEngine(std::move(model->graph));
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  EXPECT_THAT(WhoAllocates(*engine), testing::IsEmpty());
}

const auto NameOf = [](const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.find(".tflite"));
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
};

INSTANTIATE_TEST_SUITE_P(Assets, NoAllocationModel,
                         testing::Values("mobilenet_v1_0.25_224_float_metadata.tflite",
                                         "mobilenet_v1_0.25_224_quant_metadata.tflite",
                                         "yolov5n-fp16-320.tflite"),
                         NameOf);

}  // namespace
}  // namespace slipway
