// The engine against hand-computed results, and what it refuses.
#include "runtime/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "ops/builder.h"
#include "ops/testing.h"

namespace slipway {
namespace {

using testing::HasSubstr;

Tensor Floats(Dims dims, const std::vector<float>& values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

// x f32[N,2] -> Relu(x + [1, -1])
Graph AddRelu(const Dim& batch) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {batch, 2}));
  const ValueId sum = *builder.Add("Add", {x, builder.Constant("c", Floats({2}, {1, -1}))});
  graph.outputs = {*builder.Add("Relu", {sum})};
  return graph;
}

GraphRef OneNode(const std::string& op) {
  auto graph = std::make_shared<Graph>();
  GraphBuilder builder(*graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {2}));
  graph->outputs = {*builder.Add(op, {x})};
  return graph;
}

class EngineTest : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Context> Start(Graph graph, EngineOptions options = {}) {
    options.backend = GetParam();
    options.num_threads = 2;
    auto engine = Engine::Create(std::move(graph), options);
    EXPECT_TRUE(engine.ok()) << engine.status().ToString();
    engine_ = *engine;
    return engine_->NewContext();
  }

  // The outputs as text, or the error with its hint.
  static std::string Run(Context& context, const std::vector<Tensor>& inputs) {
    const auto outputs = context.Run(inputs);
    if (!outputs.ok()) return outputs.status().ToString();
    std::string text;
    for (const Tensor& output : *outputs) text += (text.empty() ? "" : "; ") + Show(output);
    return text;
  }

  std::shared_ptr<const Engine> engine_;
};

TEST_P(EngineTest, RunsAStaticGraphAgainAndAgain) {
  const auto context = Start(AddRelu(2));
  EXPECT_EQ(Run(*context, {Floats({2, 2}, {1, 2, -3, 4})}), "f32[2,2]: 2 1 0 3");
  EXPECT_EQ(Run(*context, {Floats({2, 2}, {0, 0, 0, 0})}), "f32[2,2]: 1 0 1 0");
  EXPECT_GT(context->arena_bytes(), 0);
}

// Denormals may count as zero, and the caller's arithmetic is as it was afterwards.
TEST_P(EngineTest, TakesDenormals) {
  const auto context = Start(AddRelu(2));
  const float tiny = 1e-40F;
  EXPECT_EQ(Run(*context, {Floats({2, 2}, {tiny, 1, -tiny, 4})}), "f32[2,2]: 1 0 1 3");
  volatile float one = 1;
  EXPECT_NE(one * tiny, 0);
}

TEST_P(EngineTest, ChangesBetweenShapes) {
  const auto context = Start(AddRelu(Dim::Symbol("N")));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Run(*context, {Floats({1, 2}, {1, 2})}), "f32[1,2]: 2 1");
    EXPECT_EQ(Run(*context, {Floats({3, 2}, {1, 2, 3, 4, 5, 6})}), "f32[3,2]: 2 1 4 3 6 5");
  }
}

TEST_P(EngineTest, ForgetsTheOldestOfManyShapes) {
  const auto context = Start(AddRelu(Dim::Symbol("N")));
  for (int64_t n = 1; n <= 12; ++n) {
    const std::vector<float> zeros(static_cast<size_t>(2 * n));
    const auto outputs = context->Run(std::vector<Tensor>{Floats({n, 2}, zeros)});
    ASSERT_TRUE(outputs.ok());
    EXPECT_EQ((*outputs)[0].dims(), (Dims{n, 2}));
  }
  EXPECT_EQ(Run(*context, {Floats({1, 2}, {1, 2})}), "f32[1,2]: 2 1");
}

TEST_P(EngineTest, RefusesWhatIsOutsideADeclaredRange) {
  EngineOptions options;
  options.ranges["N"] = {1, 2};
  const auto context = Start(AddRelu(Dim::Symbol("N")), options);
  EXPECT_EQ(Run(*context, {Floats({2, 2}, {1, 2, 3, 4})}), "f32[2,2]: 2 1 4 3");
  const std::string error = Run(*context, {Floats({3, 2}, {1, 2, 3, 4, 5, 6})});
  EXPECT_THAT(error, HasSubstr("input 'x' is f32[N,2], got f32[3,2]: dimension 'N' is 3"));
  EXPECT_THAT(error, HasSubstr("its declared range is 1 to 2"));
}

TEST_P(EngineTest, RefusesInputsOfAnotherKind) {
  const auto context = Start(AddRelu(2));
  EXPECT_THAT(Run(*context, {}), HasSubstr("the model takes 1 inputs, got 0"));
  EXPECT_THAT(Run(*context, {Tensor()}), HasSubstr("input 'x' is missing"));
  EXPECT_THAT(Run(*context, {Tensor(DType::kI32, {2, 2})}),
              AllOf(HasSubstr("input 'x' is f32[2,2], got i32[2,2]"), HasSubstr("give it the dtype f32")));
  EXPECT_THAT(Run(*context, {Floats({4}, {})}),
              AllOf(HasSubstr("input 'x' is f32[2,2], got f32[4]"), HasSubstr("the ranks differ")));
  EXPECT_THAT(Run(*context, {Floats({2, 3}, {})}),
              AllOf(HasSubstr("input 'x' is f32[2,2], got f32[2,3]"), HasSubstr("dimension 1 must be 2")));
  const std::vector<Datum> sequence = {Datum::Of(std::vector<Tensor>{})};
  const auto outputs = context->RunData(sequence);
  ASSERT_FALSE(outputs.ok());
  EXPECT_THAT(outputs.status().message(), HasSubstr("input 'x' is f32[2,2], got a sequence or optional"));
}

TEST_P(EngineTest, RefusesWhatNoMachineHolds) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {1}));
  const ValueId shape = builder.Input("shape", Type::Of(DType::kI64, {2}));
  graph.outputs = {*builder.Add("Expand", {x, shape}, {}, "big")};
  const auto context = Start(std::move(graph));
  Tensor extents(DType::kI64, {2});
  extents.as<int64_t>()[0] = extents.as<int64_t>()[1] = int64_t{1} << 24;
  EXPECT_THAT(Run(*context, {Floats({1}, {1}), extents}),
              HasSubstr("Expand 'big' needs a result f32[16777216,16777216] of 1125899906842624 bytes"));
}

TEST_P(EngineTest, RefusesActivationsThatNoMachineHolds) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {1}));
  const ValueId big = *builder.Add("Expand", {x, builder.Ints({1 << 24, 1 << 24})}, {}, "big");
  graph.outputs = {*builder.Add("Neg", {big})};
  const auto context = Start(std::move(graph));
  EXPECT_THAT(Run(*context, {Floats({1}, {1})}),
              HasSubstr("Expand 'big' needs a result f32[16777216,16777216] of 1125899906842624 bytes"));
}

// NonZero's shape is known only after it has run; what follows has a static shape on a dynamic input.
TEST_P(EngineTest, RunsShapesThatOnlyTheDataDecide) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {4}));
  const ValueId where = *builder.Add("NonZero", {x});
  const ValueId real = *builder.Add("Cast", {where}, {{"to", DType::kF32}});
  const ValueId sum = *builder.Add("ReduceSum", {real}, {{"keepdims", int64_t{0}}});
  graph.outputs = {where, *builder.Add("Neg", {sum})};
  const auto context = Start(std::move(graph));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Run(*context, {Floats({4}, {0, 5, 0, 7})}), "i64[1,2]: 1 3; f32[]: -4");
    EXPECT_EQ(Run(*context, {Floats({4}, {0, 0, 0, 0})}), "i64[1,0]:; f32[]: -0");
    EXPECT_EQ(Run(*context, {Floats({4}, {1, 1, 1, 1})}), "i64[1,4]: 0 1 2 3; f32[]: -6");
  }
}

// More parts than shape arithmetic follows: their extents are known from the list itself.
TEST_P(EngineTest, CutsIntoThousandsOfParts) {
  constexpr int64_t kParts = 5000;
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {1, kParts}));
  Node split{"Split", "split", {x, builder.Ints(Ints(kParts, 1))}, {}, {{"axis", int64_t{1}}}, {}};
  const auto parts = *builder.Add(std::move(split), std::vector<GraphBuilder::Output>(kParts));
  graph.outputs = {parts.front(), parts.back()};
  const auto context = Start(std::move(graph));
  std::vector<float> values(kParts);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  EXPECT_EQ(Run(*context, {Floats({1, kParts}, values)}), "f32[1,1]: 0; f32[1,1]: 4999");
}

TEST_P(EngineTest, TakesTheBranchOfTheCondition) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId flag = builder.Input("flag", Type::Of(DType::kBool, {}));
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {2}));
  Node node{"If", "if", {flag, x}, {}, {{"then_branch", OneNode("Neg")}, {"else_branch", OneNode("Abs")}},
            {}};
  graph.outputs = *builder.Add(std::move(node), {{"y", {}, {}, false}});
  const auto context = Start(std::move(graph));
  const std::vector<uint8_t> yes = {1};
  const std::vector<uint8_t> no = {0};
  for (int round = 0; round < 2; ++round) {
    const Tensor input = Floats({2}, {-1, 2});
    EXPECT_EQ(Run(*context, {Tensor::From<uint8_t>(DType::kBool, {}, yes), input}), "f32[2]: 1 -2");
    EXPECT_EQ(Run(*context, {Tensor::From<uint8_t>(DType::kBool, {}, no), input}), "f32[2]: 1 2");
  }
}

// Outputs that are inputs or constants come through untouched.
TEST_P(EngineTest, PassesInputsAndConstantsThrough) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {1}));
  graph.outputs = {x, builder.Constant("c", Floats({1}, {3}))};
  const auto context = Start(std::move(graph));
  EXPECT_EQ(Run(*context, {Floats({1}, {7})}), "f32[1]: 7; f32[1]: 3");
}

// Of a graph whose output is its input, too; and what runs afterwards is right.
TEST_P(EngineTest, LetsGoOfInputsWhenTold) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {Dim::Symbol("N"), 2}));
  graph.outputs = {x, *builder.Add("Relu", {x})};
  const auto context = Start(std::move(graph));
  context->Release();
  for (const int64_t rows : {1, 2, 1}) {
    auto values = std::make_shared<std::vector<float>>(2 * rows, -3.0F);
    const std::weak_ptr<const void> held = values;
    float* const data = values->data();
    const Tensor input(DType::kF32, {rows, 2}, data, std::move(values));
    ASSERT_EQ(Run(*context, {input}), Run(*context, {input}));
    EXPECT_GT(held.use_count(), 1);
    context->Release();
    EXPECT_EQ(held.use_count(), 1);  // `input`
  }
  EXPECT_EQ(Run(*context, {Floats({1, 2}, {7, -7})}), "f32[1,2]: 7 -7; f32[1,2]: 7 0");
}

TEST_P(EngineTest, ContextsOnTwoThreadsGiveTheSame) {
  Start(AddRelu(Dim::Symbol("N")));
  std::vector<std::string> wrong[2];
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([this, t, &wrong] {
      const auto context = engine_->NewContext();
      for (int round = 0; round < 200; ++round) {
        const int64_t n = 1 + (round + t) % 3;
        std::vector<float> values(static_cast<size_t>(2 * n), static_cast<float>(round));
        const auto outputs = context->Run(std::vector<Tensor>{Floats({n, 2}, values)});
        const float first = outputs.ok() ? (*outputs)[0].as<float>()[2 * n - 2] : -1;
        if (first != static_cast<float>(round + 1)) wrong[t].push_back(std::to_string(round));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong[0], testing::IsEmpty());
  EXPECT_THAT(wrong[1], testing::IsEmpty());
}

TEST_P(EngineTest, TellsAnObserverOfEveryStep) {
  const auto context = Start(AddRelu(1));
  std::vector<size_t> steps;
  context->SetObserver([&](size_t step, double) { steps.push_back(step); });
  EXPECT_EQ(Run(*context, {Floats({1, 2}, {1, 2})}), "f32[1,2]: 2 1");
  EXPECT_EQ(steps, (std::vector<size_t>{0, 1}));
}

std::vector<std::string> BackendNames() {
  std::vector<std::string> names;
  for (const Backend& backend : AllBackends()) names.push_back(backend.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Backends, EngineTest, testing::ValuesIn(BackendNames()),
                         [](const auto& info) { return info.param; });

// The rows that are picked are read where they lie, aligned or not; nobody reads the rest of the table, or
// this ends.
TEST(EngineMemory, ReadsOnlyTheRowsOfATableThatArePicked) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* const memory = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::shared_ptr<char> pages(static_cast<char*>(memory), [page](char* p) { ::munmap(p, 2 * page); });
  const float rows[] = {0, 1, 2, 3};
  std::memcpy(pages.get() + 1, rows, sizeof(rows));
  ASSERT_EQ(::mprotect(pages.get() + page, page, PROT_NONE), 0);
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId table = builder.Constant(
      "table",
      Tensor::AtAnyAddress(DType::kF32, {static_cast<int64_t>(page / 8) + 9, 2}, pages.get() + 1, pages));
  const ValueId picks = builder.Input("picks", Type::Of(DType::kI64, {2}));
  graph.outputs = {*builder.Add("Gather", {table, picks})};
  const auto engine = Engine::Create(std::move(graph), {.backend = "cpu", .num_threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  const auto context = (*engine)->NewContext();
  const auto outputs = context->Run(std::vector<Tensor>{Tensor::From<int64_t>(DType::kI64, {2}, Dims{1, 0})});
  ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
  EXPECT_THAT((*outputs)[0].values<float>(), testing::ElementsAre(2, 3, 0, 1));
}

TEST(EngineCreate, NamesTheBackendsThereAre) {
  EngineOptions options;
  options.backend = "gpu";
  const auto engine = Engine::Create(AddRelu(1), options);
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.status().message(), "no backend is called 'gpu'");
  EXPECT_THAT(engine.status().hint(), HasSubstr("ref"));
}

TEST(EngineCreate, SaysWhyARequiredBackendCannotRun) {
  EngineOptions options;
  options.backend = "null";
  options.is_backend_required = true;
  const auto engine = Engine::Create(AddRelu(1), options);
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.status().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace slipway
