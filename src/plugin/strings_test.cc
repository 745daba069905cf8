// Tensors of strings through the C interface: read as spans, written one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "plugin/testing.h"

namespace slipway {
namespace {

using testing::HasSubstr;

Tensor Texts(Dims dims, const std::vector<std::string>& texts) {
  return Tensor::From<std::string>(DType::kString, std::move(dims), texts);
}

plugin::Description Description(std::string name, DType output = DType::kString) {
  plugin::Description description = LambdaPlugin::Description(std::move(name));
  description.inputs[0].dtypes = {DType::kString};
  description.outputs[0].dtypes = {output};
  return description;
}

// Every text behind itself.
void Twice(plugin::RunCall& call) {
  const plugin::TensorView x = call.in(0);
  for (int64_t i = 0; i < x.count(); ++i)
    call.SetString(0, i, std::string(x.String(i)) + std::string(x.String(i)));
}

const Type kOpen = Type::Of(DType::kString, {Dim::Symbol("N")});

TEST(PluginStrings, AreReadAndWrittenOnEveryBackendWithAndWithoutChecks) {
  ASSERT_TRUE(Register(Description("text.Twice"), {.run = Twice}).ok());
  const std::string zero("a\0b", 3);
  for (const char* backend : {"cpu", "ref"}) {
    EngineOptions options;
    options.backend = backend;
    const auto graph = OneNode("text.Twice", kOpen);
    ASSERT_TRUE(graph.ok()) << graph.status().ToString();
    const auto engine = Engine::Create(*graph, options);
    ASSERT_TRUE(engine.ok()) << engine.status().ToString();
    const auto context = (*engine)->NewContext();
    // The first run is checked, the second is not.
    for (int run = 0; run < 2; ++run) {
      const auto outputs = context->Run(std::vector<Tensor>{Texts({3}, {"ab", "", zero})});
      ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
      EXPECT_THAT((*outputs)[0].values<std::string>(), testing::ElementsAre("abab", "", zero + zero));
    }
  }
}

TEST(PluginStrings, ElementsThatAreNotSetAreEmptyInEveryRun) {
  const auto run = [](plugin::RunCall& call) {
    if (!call.in(0).String(0).empty()) call.SetString(0, 0, call.in(0).String(0));
  };
  ASSERT_TRUE(Register(Description("text.First"), {.run = run}).ok());
  const auto engine = Engine::Create(*OneNode("text.First", kOpen), {});
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  const auto context = (*engine)->NewContext();
  for (const std::string text : {"x", "y", "", "z", ""})
    EXPECT_EQ(RunOn(*context, {Texts({1}, {text})}), "string[1]: '" + text + "'");
}

// The count is known only once the text is read.
TEST(PluginStrings, DecideShapesOfOtherOutputsAndBack) {
  const auto infer = [](plugin::InferCall& call) { call.SetOutput(0, DType::kF32, {plugin::Dim()}); };
  const auto split = [](plugin::RunCall& call) {
    const auto size = static_cast<int64_t>(call.in(0).String(0).size());
    const auto y = call.Allocate(0, std::array<int64_t, 1>{size}).values<float>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(call.in(0).String(0)[i]);
  };
  ASSERT_TRUE(Register(Description("text.Codes", DType::kF32), {.infer = infer, .run = split}).ok());
  EXPECT_EQ(RunGraph(OneNode("text.Codes", kOpen), {Texts({1}, {"AB"})}), "f32[2]: 65 66");

  plugin::Description description = Description("text.Names");
  description.inputs[0].dtypes = {DType::kF32};
  const auto open = [](plugin::InferCall& call) { call.SetOutput(0, DType::kString, {plugin::Dim()}); };
  const auto names = [](plugin::RunCall& call) {
    const int64_t count = call.in(0).count();
    call.Allocate(0, std::array<int64_t, 1>{count});
    for (int64_t i = 0; i < count; ++i) call.SetString(0, i, "n" + std::to_string(i));
  };
  ASSERT_TRUE(Register(std::move(description), {.infer = open, .run = names}).ok());
  EXPECT_EQ(RunGraph(OneNode("text.Names", Type::Of(DType::kF32, {Dim::Symbol("N")})), {F32({2}, {0, 0})}),
            "string[2]: 'n0' 'n1'");
}

TEST(PluginStrings, OfConstantsAreKnownWhenANodeIsMade) {
  plugin::Description description = Description("text.Lookup");
  description.inputs.push_back({.name = "words", .dtypes = {DType::kString}});
  std::string seen;
  const auto create = [&seen](const plugin::Node& node) {
    if (node.input(1).content<slipway_bytes>() != nullptr) seen = node.input(1).String(1);
  };
  ASSERT_TRUE(Register(std::move(description), {.run = Twice, .create = create}).ok());
  Graph graph;
  GraphBuilder builder(graph);
  Node node{.op = "text.Lookup@1", .name = "n"};
  node.inputs = {builder.Input("x", kOpen), builder.Constant("words", Texts({2}, {"one", "two"}))};
  ASSERT_TRUE(PreparePluginNode(graph, node, 1).ok());
  const auto outputs = builder.Add(std::move(node), {{"y", {}, {}, false}});
  ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
  graph.outputs = *outputs;
  EXPECT_EQ(RunGraph(std::move(graph), {Texts({1}, {"q"})}), "string[1]: 'qq'");
  EXPECT_EQ(seen, "two");
}

TEST(PluginStrings, LiesAreNamed) {
  static std::string lie;
  static std::atomic<int> runs = 0;
  plugin::Description description = Description("text.Liar");
  const auto infer = [](plugin::InferCall& call) {
    if (lie == "too early") return call.SetOutput(0, DType::kString, {plugin::Dim()});
    call.SetOutput(0, call.input(0));
  };
  const auto run = [](plugin::RunCall& call) {
    if (lie == "too far") call.SetString(0, 2, "c");
    if (lie == "before") call.SetString(0, -1, "c");
    if (lie == "another") call.SetString(3, 0, "c");
    if (lie == "too early") call.SetString(0, 0, "c");
    if (lie == "counts") call.SetString(0, 0, std::to_string(++runs));
    if (lie == "goes on") {
      try {
        call.SetString(0, 7, "c");
      } catch (const plugin::Error&) {
      }
      call.SetString(0, 0, "c");
    }
  };
  ASSERT_TRUE(Register(std::move(description), {.infer = infer, .run = run}).ok());
  const std::string who = "text.Liar@1 'n': plugin 'text.Liar' version 1 (this program) ";
  const auto answer = [&](const char* kind) {
    lie = kind;
    return RunGraph(OneNode("text.Liar", Type::Of(DType::kString, {2})), {Texts({2}, {"a", "b"})});
  };
  EXPECT_THAT(answer("too far"), HasSubstr(who + "sets string 2 of output 0, which is string[2]"));
  EXPECT_THAT(answer("before"),
              HasSubstr(who + "sets string 18446744073709551615 of output 0, which is string[2]"));
  EXPECT_THAT(answer("another"), HasSubstr(who + "sets string 0 of output 3 of a node that has 1"));
  EXPECT_THAT(answer("too early"), HasSubstr(who + "sets string 0 of output 0, which is not allocated"));
  EXPECT_THAT(answer("counts"), HasSubstr(who + "gives output 0 different strings on the same inputs"));
  EXPECT_THAT(answer("goes on"), HasSubstr(who + "sets string 7 of output 0, which is string[2]"));
}

// What is no string is no output for texts.
TEST(PluginStrings, DoNotGoIntoNumbers) {
  const auto infer = [](plugin::InferCall& call) { call.SetOutput(0, DType::kF32, call.input(0).shape()); };
  const auto run = [](plugin::RunCall& call) { call.SetString(0, 0, "c"); };
  ASSERT_TRUE(Register(Description("text.Mixed", DType::kF32), {.infer = infer, .run = run}).ok());
  EXPECT_THAT(RunGraph(OneNode("text.Mixed", kOpen), {Texts({1}, {"a"})}),
              HasSubstr("sets string 0 of output 0, which is f32"));
}

}  // namespace
}  // namespace slipway
