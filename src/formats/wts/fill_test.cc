#include "formats/wts/fill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scalar.h"

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Tensor F32(Dims dims, const std::vector<float>& values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

WtsWeights Weights(std::vector<std::pair<std::string, std::vector<float>>> arrays) {
  WtsWeights::Map map;
  for (auto& [name, values] : arrays) map.emplace(name, F32({static_cast<int64_t>(values.size())}, values));
  return WtsWeights(std::move(map));
}

// conv.weight f32[2,2], half f16[2], steps i64[1], eps f32[], scale f32[3] inside of an If's branch.
Graph Model() {
  Graph graph;
  graph.AddConstant("conv.weight", F32({2, 2}, {9, 9, 9, 9}));
  graph.AddConstant("half", Tensor(DType::kF16, {2}));
  graph.AddConstant("steps", Tensor(DType::kI64, {1}));
  graph.AddConstant("eps", F32({}, {0.5}));
  auto branch = std::make_shared<Graph>();
  branch->AddConstant("scale", F32({3}, {7, 7, 7}));
  Node node{.op = "If", .name = "if"};
  node.attrs.Set("then_branch", GraphRef(std::move(branch)));
  graph.nodes.push_back(std::move(node));
  return graph;
}

std::vector<double> ValuesOf(const Graph& graph, const char* name) {
  const Tensor& tensor = graph.value(graph.FindValue(name)).data;
  std::vector<double> values;
  for (int64_t i = 0; i < tensor.count(); ++i) values.push_back(LoadReal(tensor.dtype(), tensor.data(), i));
  return values;
}

const Graph& Branch(const Graph& graph) {
  return **std::get_if<GraphRef>(graph.nodes[0].attrs.Find("then_branch"));
}

TEST(FillWeights, GoesByNameInTheModelsShapesAndTypesIntoSubGraphsToo) {
  Graph graph = Model();
  const GraphRef before = *std::get_if<GraphRef>(graph.nodes[0].attrs.Find("then_branch"));
  const Tensor old = graph.value(graph.FindValue("conv.weight")).data;
  const auto report = FillWeights(graph,
                                  Weights({{"conv.weight", {1, 2, 3, 4}},
                                           {"half", {0.1F, 70000}},
                                           {"scale", {5, 6, 8}},
                                           {"bn.num_batches_tracked", {12}}}),
                                  "w.wts");
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->filled, 3);
  EXPECT_THAT(report->kept, ElementsAre());
  EXPECT_EQ(Describe(graph.value(graph.FindValue("conv.weight")).data), "f32[2,2]");
  EXPECT_THAT(ValuesOf(graph, "conv.weight"), ElementsAre(1, 2, 3, 4));
  // The f16 nearest to 0.1, and beyond its largest.
  EXPECT_THAT(ValuesOf(graph, "half"), ElementsAre(0.0999755859375, std::numeric_limits<double>::infinity()));
  EXPECT_THAT(ValuesOf(Branch(graph), "scale"), ElementsAre(5, 6, 8));
  // Others who hold the old ones see no change.
  EXPECT_EQ(old.as<float>()[0], 9);
  EXPECT_THAT(ValuesOf(*before, "scale"), ElementsAre(7, 7, 7));
}

TEST(FillWeights, NamesWhatTheFileLacks) {
  Graph graph = Model();
  const auto report = FillWeights(graph, Weights({{"half", {1, 2}}}), "w.wts");
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_THAT(report->kept, ElementsAre("conv.weight", "scale"));
}

TEST(FillWeights, AllThatDoesNotFitIsOneErrorAndChangesNothing) {
  Graph graph = Model();
  const WtsWeights weights = Weights({{"conv.weight", {1, 2, 3}},
                                      {"conv.weigth", {1}},
                                      {"half", {1, 2}},
                                      {"steps", {1}},
                                      {"zzzzzzzzzzz", {1}}});
  const auto report = FillWeights(graph, weights, "w.wts");
  EXPECT_EQ(report.status().code(), Code::kInvalidModel);
  EXPECT_EQ(report.status().message(),
            "the weights of 'w.wts' do not fit the model:"
            "\n    'conv.weight' has 3 elements, the model's f32[2,2] takes 4"
            "\n    'steps' is i64[1] in the model; a .wts file holds floats"
            "\n    'conv.weigth' is no constant of the model (did you mean 'conv.weight'?)"
            "\n    'zzzzzzzzzzz' is no constant of the model");
  EXPECT_THAT(ValuesOf(graph, "half"), ElementsAre(0, 0));
}

TEST(FillWeights, LeavesUnknownArraysOutWhereThatIsAskedFor) {
  Graph graph = Model();
  const auto report =
      FillWeights(graph, Weights({{"half", {1, 2}}, {"other", {1}}}), "w.wts", {.leaves_unknown = true});
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_THAT(report->unknown, ElementsAre("other"));
  EXPECT_THAT(ValuesOf(graph, "half"), ElementsAre(1, 2));
  EXPECT_THAT(
      FillWeights(graph, Weights({{"other", {1}}}), "w.wts", {.leaves_unknown = true}).status().message(),
      HasSubstr("no array of 'w.wts' is called as a constant of the model"));
}

// Scale and zero point would no longer be theirs.
TEST(FillWeights, QuantisedConstantsAreRefused) {
  Graph graph;
  graph.AddConstant("w", Tensor(DType::kI8, {2}), Quant{{0.5F}, {0}});
  EXPECT_THAT(FillWeights(graph, Weights({{"w", {1, 2}}}), "w.wts").status().message(),
              HasSubstr("'w' is i8[2], quantised, in the model"));
}

TEST(FillWeights, LongListsAreCut) {
  Graph graph = Model();
  std::vector<std::pair<std::string, std::vector<float>>> arrays;
  for (int i = 0; i < 300; ++i) arrays.push_back({"unknown" + std::to_string(1000 + i), {1}});
  const std::string message = FillWeights(graph, Weights(std::move(arrays)), "w.wts").status().message();
  EXPECT_THAT(message, HasSubstr("'unknown1199'"));
  EXPECT_THAT(message, Not(HasSubstr("'unknown1200'")));
  EXPECT_THAT(message, HasSubstr("and 100 more"));
}

}  // namespace
}  // namespace slipway
