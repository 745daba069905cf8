// States: what a run hands to the next, and what may be wrong with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/builder.h"
#include "ops/testing.h"
#include "ops/verify.h"
#include "runtime/engine.h"

namespace slipway {
namespace {

using testing::HasSubstr;

Tensor Floats(const std::vector<float>& values) {
  return Tensor::From<float>(DType::kF32, {static_cast<int64_t>(values.size())}, values);
}

// y = x + sum, which is the next sum; `last` is what x was the run before. Sums start at 10, last at -1.
Graph RunningSum() {
  Graph graph;
  GraphBuilder builder(graph);
  const Type one = Type::Of(DType::kF32, {1});
  const ValueId x = builder.Input("x", one);
  const ValueId sum = builder.Input("sum", one);
  const ValueId last = builder.Input("last", one);
  const ValueId next = *builder.Add("Add", {x, sum}, {}, "next");
  const ValueId shown = *builder.Add("Neg", {last}, {}, "shown");
  graph.outputs = {next, shown, next, x};
  graph.states = {Floats({10}), Floats({-1})};
  return graph;
}

class StatesTest : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Engine> Create(Graph graph) {
    EngineOptions options;
    options.backend = GetParam();
    options.num_threads = 1;
    auto engine = Engine::Create(std::move(graph), options);
    EXPECT_TRUE(engine.ok()) << engine.status().ToString();
    return *engine;
  }
  static std::string Run(Context& context, float x) {
    const auto outputs = context.Run({{Floats({x})}});
    if (!outputs.ok()) return outputs.status().message();
    return Show((*outputs)[0]) + "; " + Show((*outputs)[1]);
  }
};

TEST_P(StatesTest, GoFromRunToRunOfOneContext) {
  const auto engine = Create(RunningSum());
  EXPECT_EQ(engine->inputs().size(), 1U);
  EXPECT_EQ(engine->outputs().size(), 2U);
  const auto context = engine->NewContext();
  EXPECT_EQ(Run(*context, 2), "f32[1]: 12; f32[1]: 1");
  EXPECT_EQ(Run(*context, 5), "f32[1]: 17; f32[1]: -2");
  EXPECT_EQ(Run(*engine->NewContext(), 5), "f32[1]: 15; f32[1]: 1");
  EXPECT_EQ(Run(*context, 1), "f32[1]: 18; f32[1]: -5");
  context->ResetStates();
  EXPECT_EQ(Run(*context, 2), "f32[1]: 12; f32[1]: 1");
}

TEST_P(StatesTest, StayWhenARunIsRefused) {
  const auto context = Create(RunningSum())->NewContext();
  EXPECT_EQ(Run(*context, 2), "f32[1]: 12; f32[1]: 1");
  EXPECT_FALSE(context->Run({{Floats({1, 2})}}).ok());
  EXPECT_EQ(Run(*context, 5), "f32[1]: 17; f32[1]: -2");
}

// What a state is handed is another state: each gets the other's value, not its own new one.
TEST_P(StatesTest, MayChangePlaces) {
  Graph graph = RunningSum();
  graph.outputs = {graph.inputs[1], graph.inputs[2], graph.inputs[2], graph.inputs[1]};
  const auto context = Create(std::move(graph))->NewContext();
  EXPECT_EQ(Run(*context, 0), "f32[1]: 10; f32[1]: -1");
  EXPECT_EQ(Run(*context, 0), "f32[1]: -1; f32[1]: 10");
  EXPECT_EQ(Run(*context, 0), "f32[1]: 10; f32[1]: -1");
}

INSTANTIATE_TEST_SUITE_P(All, StatesTest, testing::Values("ref", "cpu"));

std::string WhyBroken(Graph graph) { return VerifyGraph(graph).message(); }

TEST(States, AreVerified) {
  Graph graph = RunningSum();
  graph.states[1] = Floats({1, 2});
  EXPECT_EQ(WhyBroken(graph), "state 'last' is f32[1], starts as f32[2] and is handed on as f32[1]");
  graph = RunningSum();
  graph.outputs[2] = graph.AddConstant("two", Floats({1, 2}));
  EXPECT_EQ(WhyBroken(graph), "state 'sum' is f32[1], starts as f32[1] and is handed on as f32[2]");
  graph = RunningSum();
  graph.states.resize(5);
  EXPECT_THAT(WhyBroken(graph), HasSubstr("has 5 states; each needs an input and an output"));
}

}  // namespace
}  // namespace slipway
