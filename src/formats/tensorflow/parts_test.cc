#include "formats/tensorflow/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tensorflow/import.h"
#include "formats/tensorflow/test_graph.h"
#include "ops/run.h"

namespace slipway::tensorflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> Results(const TfGraph& graph, const std::vector<Datum>& inputs) {
  const auto model = ImportGraph(graph, {});
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return {};
  const auto results = Interpret(model->graph, inputs);
  EXPECT_TRUE(results.ok()) << results.status().message();
  if (!results.ok()) return {};
  const Tensor& y = (*results)[0].tensor;
  return {y.as<float>(), y.as<float>() + y.count()};
}

TEST(TfParts, AnExpressionOfSeveralOperators) {
  const TfGraph graph = MakeGraph({PlaceholderNode("x", {3}),
                                   ConstNode("c", FloatTensor({3}, {1, 0, 2})),
                                   {"sum", "AccumulateNV2", {"x", "c", "x"}, {}},
                                   {"y", "Xlogy", {"c", "sum"}, {}}});
  // 1 ln(2 * 0.5 + 1 - 1), 0 ln of anything, 2 ln(2 * -0.5 + 2)
  EXPECT_THAT(Results(graph, {Datum::Of(FloatTensor({3}, {0, -9, -0.5F}))}), ElementsAre(0, 0, 0));
}

// 4 pixels to 2: halves of two each; 2 to 4: as large a part of one.
TEST(TfParts, ResizeAreaCoversPixels) {
  const TfGraph graph = MakeGraph({PlaceholderNode("x", {1, 1, 4, 1}),
                                   ConstNode("size", IntTensor({2}, {1, 2})),
                                   {"y", "ResizeArea", {"x", "size"}, {}}});
  EXPECT_THAT(Results(graph, {Datum::Of(FloatTensor({1, 1, 4, 1}, {1, 2, 3, 6}))}), ElementsAre(1.5F, 4.5F));
}

TEST(TfParts, TheFirstErrorIsKept) {
  const auto error = [](TfNode node) {
    return ImportGraph(MakeGraph({PlaceholderNode("x", {3}), std::move(node)}), {}).status().message();
  };
  EXPECT_THAT(error({"y", "Xlogy", {"x"}, {}}), HasSubstr("Xlogy 'y' has 1 operands, it takes 2"));
  EXPECT_THAT(error({"y", "LinSpace", {"x", "x", "x"}, {}}),
              HasSubstr("operand 2 must be a constant of whole numbers"));
}

}  // namespace
}  // namespace slipway::tensorflow
