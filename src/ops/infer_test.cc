// Shape inference on symbols, and the verifier.
#include "ops/infer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/text.h"
#include "ops/builder.h"
#include "ops/verify.h"

namespace slipway {
namespace {

using testing::HasSubstr;

// Reshape(x, Concat(Gather(Shape(x), 0), [-1])): the batch stays the batch.
TEST(Infer, ShapeArithmeticStaysSymbolic) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {Dim::Symbol("N"), 3, 4}));
  const ValueId shape = *builder.Add("Shape", {x});
  const ValueId batch = *builder.Add("Gather", {shape, builder.Ints({0})});
  const ValueId wanted = *builder.Add("Concat", {batch, builder.Ints({12})}, {{"axis", int64_t{0}}});
  const auto flat = builder.Add("Reshape", {x, wanted});
  ASSERT_TRUE(flat.ok()) << flat.status().ToString();
  EXPECT_EQ(ToString(builder.type(*flat)), "f32[N,12]");
}

TEST(Infer, SumsDifferencesAndProductsOfExtentsStaySymbolic) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {Dim::Symbol("N"), Dim::Symbol("L"), 4}));
  const auto shape = builder.Add("Shape", {x});
  const auto twice = builder.Add("Mul", {*shape, builder.Ints({2})});
  const auto less = builder.Add("Sub", {*twice, builder.Ints({1, 2, 3})});
  const auto more = builder.Add("Add", {builder.Ints({1}), *less});
  const auto product = builder.Add("ReduceProd", {*shape, builder.Ints({0})});
  const auto sized = builder.Add("Expand", {builder.Scalar(DType::kF32, 1), *more});
  const auto flat = builder.Add("Expand", {builder.Scalar(DType::kF32, 1), *product});
  ASSERT_TRUE(sized.ok() && flat.ok());
  EXPECT_EQ(ToString(builder.type(*sized)), "f32[(N*2),((L*2)-1),6]");
  EXPECT_EQ(ToString(builder.type(*flat)), "f32[((L*N)*4)]");
}

TEST(Infer, AnErrorNamesTheNodeAndLeavesTheGraphAsItWas) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId a = builder.Input("a", Type::Of(DType::kF32, {2}));
  const ValueId b = builder.Input("b", Type::Of(DType::kF32, {3}));
  const auto sum = builder.Add("Add", {a, b}, {}, "sum");
  ASSERT_FALSE(sum.ok());
  EXPECT_THAT(sum.status().message(), HasSubstr("'sum'"));
  EXPECT_EQ(graph.values.size(), 2u);
  EXPECT_TRUE(graph.nodes.empty());
}

TEST(Infer, UnknownRanksAreNoError) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::OfUnknownShape(DType::kF32));
  const auto y = builder.Add("Relu", {x});
  ASSERT_TRUE(y.ok());
  EXPECT_EQ(ToString(builder.type(*y)), "f32[*]");
}

// A reference writes them: the builder gives them a place, and files without one do not come so far.
TEST(Infer, OutputsThatAreAlwaysGivenHaveAPlace) {
  Graph graph;
  GraphBuilder builder(graph);
  ASSERT_TRUE(builder.Add("TopK", {builder.Input("x", Type::Of(DType::kF32, {5})), builder.Ints({2})}).ok());
  EXPECT_EQ(graph.nodes[0].outputs.size(), 2u);
  EXPECT_EQ(graph.value(graph.nodes[0].outputs[1]).name, "TopK/indices");

  for (const std::vector<ValueId>& kept :
       {std::vector<ValueId>{graph.nodes[0].outputs[0]}, {graph.nodes[0].outputs[0], kNoValue}}) {
    Graph broken = graph;
    broken.nodes[0].outputs = kept;
    EXPECT_EQ(InferGraph(broken).message(),
              "TopK 'TopK': output 'indices' is left out; TopK always gives it");
  }
}

TEST(Infer, OperatorsOfAnyNumberNeedOne) {
  Graph graph;
  GraphBuilder builder(graph);
  for (const char* op : {"Sum", "Max", "Min", "Mean", "Concat", "SequenceConstruct"}) {
    Attrs attrs;
    if (std::string_view(op) == "Concat") attrs.Set("axis", int64_t{0});
    EXPECT_FALSE(builder.Add(op, {}, attrs).ok()) << op;
  }
}

Graph Relu() {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {2}));
  graph.outputs = {*builder.Add("Relu", {x}, {}, "relu")};
  return graph;
}

TEST(Verify, AcceptsWhatTheBuilderMakes) {
  Graph graph = Relu();
  EXPECT_TRUE(VerifyGraph(graph).ok());
}

TEST(Verify, CompletesAttributesEvenInSubGraphs) {
  auto graph = ParseGraph(R"(graph "main" {
    input "c": bool[]
    input "x": f32[2]
    node If "if" ["c", "x"] -> ["y": f32[2]] {"then_branch" = graph "then" {
        input "a": f32[2]
        node LeakyRelu "n" ["a"] -> ["b": f32[2]] {}
        output "b"
      }, "else_branch" = graph "else" {
        input "a": f32[2]
        node LeakyRelu "n" ["a"] -> ["b": f32[2]] {"alpha" = float 0.5}
        output "b"
      }}
    output "y"
  })");
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(VerifyGraph(*graph).ToString(), Status::Ok().ToString());
  const auto alpha = [&](const char* branch) {
    return graph->nodes[0].attrs.GraphOf(branch)->nodes[0].attrs.Float("alpha");
  };
  EXPECT_FLOAT_EQ(alpha("then_branch"), 0.01F);
  EXPECT_FLOAT_EQ(alpha("else_branch"), 0.5F);
}

TEST(Verify, NamesWhatIsBroken) {
  const auto why = [](void (*breaks)(Graph&)) {
    Graph graph = Relu();
    breaks(graph);
    return VerifyGraph(graph).message();
  };
  EXPECT_THAT(why([](Graph& graph) { graph.value(0).name = "relu"; }),
              HasSubstr("two values are called 'relu'"));
  EXPECT_THAT(why([](Graph& graph) { graph.value(0).name = ""; }), HasSubstr("value 0 has no name"));
  EXPECT_THAT(why([](Graph& graph) { graph.inputs.push_back(0); }),
              HasSubstr("'x' is a constant or stands twice"));
  EXPECT_THAT(why([](Graph& graph) { graph.nodes.push_back(graph.nodes[0]); }),
              HasSubstr("'relu' is computed twice"));
  EXPECT_THAT(why([](Graph& graph) { graph.nodes.clear(); }), HasSubstr("output 'relu' is never computed"));
  EXPECT_THAT(why([](Graph& graph) {
                graph.value(0).quant = Quant{{1, 2}, {0}, -1};
              }),
              HasSubstr("value 'x' has 2 scales and 1 zero points"));
  EXPECT_THAT(why([](Graph& graph) {
                graph.value(0).quant = Quant{{1, 1, 1}, {0, 0, 0}, 0};
              }),
              HasSubstr("value 'x' has 3 scales along an axis of 2"));
  EXPECT_THAT(why([](Graph& graph) { graph.nodes[0].attrs.Set("nonsense", int64_t{1}); }),
              HasSubstr("nonsense"));
}

}  // namespace
}  // namespace slipway
