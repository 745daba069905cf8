// Plugins that keep their word: shapes, runs, attributes, state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ops/dynamic_ops.h"
#include "ops/verify.h"
#include "plan/slip.h"
#include "plugin/testing.h"

namespace slipway {
namespace {

using testing::HasSubstr;

void Double(plugin::RunCall& call) {
  const auto x = call.in(0).values<const float>();
  const auto y = call.out(0).values<float>();
  for (size_t i = 0; i < x.size(); ++i) y[i] = 2 * x[i];
}

// Registered once a process, whichever tests run.
bool HasDouble() {
  static const Status status = Register(LambdaPlugin::Description("test.Double"), {.run = Double});
  return status.ok();
}

const Type kOpenBatch = Type::Of(DType::kF32, {Dim::Symbol("N"), 2});

TEST(Plugin, RunsBesideEveryBackend) {
  ASSERT_TRUE(HasDouble());
  for (const char* backend : {"cpu", "ref"}) {
    EXPECT_EQ(RunGraph(OneNode("test.Double", kOpenBatch), {F32({1, 2}, {3, -4})}, backend), "f32[1,2]: 6 -8")
        << backend;
  }
}

TEST(Plugin, IsNamedWithItsVersionInGraphAndReport) {
  ASSERT_TRUE(HasDouble());
  const auto graph = OneNode("test.Double", kOpenBatch);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(graph->nodes[0].op, "test.Double@1");
  EXPECT_EQ(ToString(graph->value(graph->outputs[0]).type), "f32[N,2]");
  const auto engine = Engine::Create(*graph, {});
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  EXPECT_EQ((*engine)->steps()[0].op, "test.Double@1");
  EXPECT_EQ((*engine)->steps()[0].tactic, "plugin/run");
}

TEST(Plugin, RunsWithoutAnEngineToo) {
  ASSERT_TRUE(HasDouble());
  const auto graph = OneNode("test.Double", kOpenBatch);
  ASSERT_TRUE(graph.ok());
  const std::vector<Datum> inputs = {Datum::Of(F32({2, 2}, {1, 2, 3, 4}))};
  const auto outputs = Interpret(*graph, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
  EXPECT_EQ(Show((*outputs)[0].tensor), "f32[2,2]: 2 4 6 8");
}

TEST(Plugin, ComputesWithOpenExtents) {
  LambdaPlugin::Functions functions;
  functions.infer = [](plugin::InferCall& call) {
    const plugin::Operand x = call.input(0);
    call.SetOutput(
        0, DType::kF32,
        {x.dim(0) * 2, CeilDiv(x.dim(1) + 1, 2), (x.dim(1) - 5) + 4, FloorDiv(x.dim(0), x.dim(0))});
  };
  ASSERT_TRUE(Register(LambdaPlugin::Description("test.Extents"), functions).ok());
  const auto graph = OneNode("test.Extents", kOpenBatch);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(ToString(graph->value(graph->outputs[0]).type), "f32[(N*2),2,1,1]");
}

// The elements above 0, so many as there are.
TEST(Plugin, AllocatesWhatOnlyTheRunKnows) {
  LambdaPlugin::Functions functions;
  functions.infer = [](plugin::InferCall& call) { call.SetOutput(0, DType::kF32, {plugin::Dim()}); };
  functions.workspace = [](std::span<const plugin::TensorView> inputs) { return inputs[0].count() * 4; };
  functions.run = [](plugin::RunCall& call) {
    auto* kept = reinterpret_cast<float*>(call.workspace().data());
    int64_t count = 0;
    for (float value : call.in(0).values<const float>()) {
      if (value > 0) kept[count++] = value;
    }
    const plugin::TensorView y = call.Allocate(0, std::array{count});
    std::copy_n(kept, count, y.values<float>().begin());
  };
  ASSERT_TRUE(Register(LambdaPlugin::Description("test.Positive"), functions).ok());
  const auto graph = OneNode("test.Positive", Type::Of(DType::kF32, {Dim::Symbol("N")}));
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  const auto engine = Engine::Create(*graph, {});
  ASSERT_TRUE(engine.ok());
  const auto context = (*engine)->NewContext();
  EXPECT_EQ(RunOn(*context, {F32({4}, {1, -2, 3, -4})}), "f32[2]: 1 3");
  EXPECT_EQ(RunOn(*context, {F32({4}, {5, 6, 7, -4})}), "f32[3]: 5 6 7");
  EXPECT_EQ(RunOn(*context, {F32({1}, {-1})}), "f32[0]:");
}

TEST(Plugin, SharesTheEnginesThreads) {
  LambdaPlugin::Functions functions;
  functions.run = [](plugin::RunCall& call) {
    const auto x = call.in(0).values<const float>();
    const auto y = call.out(0).values<float>();
    EXPECT_EQ(call.num_threads(), 2);
    call.ParallelFor(static_cast<int64_t>(x.size()), 16, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) y[i] = x[i] + 1;
      if (x[static_cast<size_t>(begin)] < 0) throw plugin::Error("x is negative");
    });
  };
  ASSERT_TRUE(Register(LambdaPlugin::Description("test.Parallel"), functions).ok());
  const auto graph = OneNode("test.Parallel", Type::Of(DType::kF32, {Dim::Symbol("N")}));
  EXPECT_EQ(RunGraph(graph, {F32({2}, {1, 2})}), "f32[2]: 2 3");
  EXPECT_THAT(RunGraph(graph, {F32({2}, {-1, 2})}), HasSubstr("test.Parallel@1 'n': x is negative"));
}

TEST(Plugin, IsSharedByContextsOnThreads) {
  ASSERT_TRUE(HasDouble());
  const auto graph = OneNode("test.Double", kOpenBatch);
  ASSERT_TRUE(graph.ok());
  const auto engine = Engine::Create(*graph, {});
  ASSERT_TRUE(engine.ok());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto context = (*engine)->NewContext();
      for (int i = 0; i < 20; ++i) {
        const auto value = static_cast<float>(t * 100 + i);
        const Tensor x = F32({1 + i % 3, 2}, std::vector<float>(static_cast<size_t>(2 + i % 3 * 2), value));
        const auto outputs = context->Run(std::span(&x, 1));
        wrong += !outputs.ok() || (*outputs)[0].as<float>()[1] != 2 * value;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Plugin, AttributesHaveKindsAndDefaults) {
  plugin::Description description = LambdaPlugin::Description("test.Attributes");
  description.attrs = {plugin::FloatAttr("factor", 3), plugin::RequiredAttr("axes", plugin::AttrKind::kInts),
                       plugin::OptionalAttr("label", plugin::AttrKind::kString)};
  LambdaPlugin::Functions functions;
  functions.run = Double;
  std::string seen;
  functions.create = [&](const plugin::Node& node) {
    seen = std::to_string(node.Float("factor")) + " " + std::to_string(node.Ints("axes").size()) + " " +
           (node.HasAttr("label") ? std::string(node.String("label")) : "none");
  };
  ASSERT_TRUE(Register(description, functions).ok());
  const auto why = [](Attrs attrs) {
    return RunGraph(OneNode("test.Attributes", kOpenBatch, std::move(attrs)), {});
  };
  EXPECT_THAT(why({}), HasSubstr("test.Attributes@1 'n': attribute 'axes' is missing"));
  EXPECT_THAT(why({{"axes", int64_t{1}}}), HasSubstr("attribute 'axes' has the wrong kind: int"));
  EXPECT_THAT(why({{"axes", Ints{1}}, {"fcator", 1.0F}}), HasSubstr("attribute 'fcator' is unknown"));
  EXPECT_THAT(why({{"axes", Ints{1, 2}}}), HasSubstr("takes 1 inputs, got 0"));
  EXPECT_EQ(seen, "3.000000 2 none");
}

TEST(Plugin, InputsAreOfDeclaredTypes) {
  ASSERT_TRUE(HasDouble());
  EXPECT_THAT(OneNode("test.Double", Type::Of(DType::kI32, {2})).status().ToString(),
              HasSubstr("test.Double@1 'n': input 'x' is i32; test.Double@1 takes f32"));
}

TEST(Plugin, SeesTheQuantisationOfItsOperands) {
  plugin::Description description = LambdaPlugin::Description("test.Dequantize");
  description.inputs[0].dtypes = {DType::kI8};
  LambdaPlugin::Functions functions;
  functions.infer = [](plugin::InferCall& call) { call.SetOutput(0, DType::kF32, call.input(0).shape()); };
  functions.run = [](plugin::RunCall& call) {
    const plugin::QuantView quant = *call.in(0).quant();
    const auto x = call.in(0).values<const int8_t>();
    for (size_t i = 0; i < x.size(); ++i)
      call.out(0).values<float>()[i] =
          quant.scales()[0] * static_cast<float>(x[i] - static_cast<int>(quant.zero_points()[0]));
  };
  ASSERT_TRUE(Register(description, functions).ok());
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kI8, {2}), Quant{{0.5F}, {1}, -1});
  const auto y = builder.Add("test.Dequantize@1", {x});
  ASSERT_TRUE(y.ok()) << y.status().ToString();
  graph.outputs = {*y};
  EXPECT_EQ(RunGraph(graph, {Tensor::From<int8_t>(DType::kI8, {2}, std::vector<int8_t>{3, -1})}),
            "f32[2]: 1 -1");
}

TEST(Plugin, FoldsOnConstantsWhenDeterministic) {
  ASSERT_TRUE(HasDouble());
  Graph graph;
  GraphBuilder builder(graph);
  const auto y = builder.Add("test.Double@1", {builder.Constant("c", F32({2}, {1, 2}))});
  ASSERT_TRUE(y.ok());
  graph.outputs = {*y};
  const Node node = graph.nodes[0];
  const Datum c = Datum::Of(graph.values[0].data);
  const Datum* const operands[] = {&c};
  const auto results = RunReference(graph, node, operands, nullptr);
  ASSERT_TRUE(results.ok()) << results.status().ToString();
  EXPECT_EQ(Show((*results)[0].tensor), "f32[2]: 2 4");
}

// Keeps the number of its runs as state, which says how often the file was made, not how often it was run.
TEST(PluginState, IsKeptInTheFileAndHandedBack) {
  plugin::Description description = LambdaPlugin::Description("test.State");
  description.attrs = {plugin::FloatAttr("base", 2)};
  LambdaPlugin::Functions functions;
  functions.save = [](const plugin::Node& node) {
    plugin::StateWriter writer;
    writer.Write(node.Float("base") * 10);
    writer.WriteText("table");
    return writer.bytes();
  };
  std::vector<std::string> read;
  functions.create = [&](const plugin::Node& node) {
    plugin::StateReader reader(node.state());
    const auto number = reader.Read<float>();
    read.push_back(std::to_string(number) + " " + reader.ReadText());
    reader.End();
  };
  functions.run = Double;
  ASSERT_TRUE(Register(description, functions).ok());
  SlipModel model;
  const auto graph = OneNode("test.State", kOpenBatch);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  model.graph = *graph;
  const auto file = FormatSlip(model);
  ASSERT_TRUE(file.ok());
  const std::vector<uint8_t> bytes(file->begin(), file->end());
  auto loaded = ParseSlip(bytes, nullptr);
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(*FormatSlip(*loaded), *file);
  EXPECT_EQ(RunGraph(loaded->graph, {F32({1, 2}, {1, 2})}), "f32[1,2]: 2 4");
  EXPECT_EQ(read, std::vector<std::string>{"20.000000 table"});
  // A state that is cut short is the plugin's to find.
  Attrs& attrs = loaded->graph.nodes[0].attrs;
  Tensor cut(DType::kU8, {6});
  std::copy_n(attrs.TensorOf(kPluginStateAttr)->as<uint8_t>(), 6, cut.as<uint8_t>());
  attrs.Set(kPluginStateAttr, cut);
  EXPECT_THAT(RunGraph(loaded->graph, {}),
              HasSubstr("test.State@1 'n': the state ends at byte 6, 8 more are needed at 4"));
}

TEST(PluginVersions, OldNodesAreReadWhereThePluginSaysSo) {
  plugin::Description description = LambdaPlugin::Description("test.Versions");
  description.version = 3;
  description.oldest_version = 2;
  uint32_t seen = 0;
  LambdaPlugin::Functions functions;
  functions.run = Double;
  functions.create = [&](const plugin::Node& node) { seen = node.version(); };
  ASSERT_TRUE(Register(description, functions).ok());
  auto graph = OneNode("test.Versions", kOpenBatch);
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(graph->nodes[0].op, "test.Versions@3");
  graph->nodes[0].op = "test.Versions@2";
  EXPECT_EQ(RunGraph(graph, {F32({1, 2}, {1, 2})}), "f32[1,2]: 2 4");
  EXPECT_EQ(seen, 2U);
  graph->nodes[0].op = "test.Versions@1";
  EXPECT_EQ(VerifyGraph(*graph).ToString(),
            "plugin 'test.Versions' version 1, which node 'n' needs, is not there: loaded is versions 2 to 3 "
            "of this "
            "program\n  hint: register that version of the plugin, or convert the model again");
}

TEST(PluginMissing, IsNamedWithItsLibraryWhenAFileIsLoaded) {
  ASSERT_TRUE(HasDouble());
  SlipModel model;
  auto graph = OneNode("test.Double", kOpenBatch);
  ASSERT_TRUE(graph.ok());
  graph->nodes[0].op = "acme.Absent@7";
  graph->nodes[0].attrs.Set(kPluginLibraryAttr, std::string("libabsent.so"));
  model.graph = *graph;
  const auto file = FormatSlip(model);
  ASSERT_TRUE(file.ok());
  const auto loaded = ParseSlip(std::vector<uint8_t>(file->begin(), file->end()), nullptr);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.status().code(), Code::kUnsupported);
  EXPECT_EQ(loaded.status().ToString(),
            "plugin 'acme.Absent' version 7, which node 'n' needs, is not loaded\n  hint: give its library: "
            "--plugin "
            "libabsent.so");
}

}  // namespace
}  // namespace slipway
