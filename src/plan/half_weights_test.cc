#include "plan/half_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/scalar.h"
#include "ops/builder.h"
#include "plan/slip.h"

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// 8 x 16 numbers, none of which f16 holds.
Tensor Thirds(float factor) {
  Tensor tensor(DType::kF32, {8, 16});
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.as<float>()[i] = factor * (static_cast<float>(i) - 60.0F) / 3;
  return tensor;
}

// y = (x W + anchors): weights, and a constant of the same size that is none.
Graph Network(Tensor weights) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {8, 8}));
  const ValueId product = *builder.Add("MatMul", {x, builder.Constant("w", std::move(weights))});
  graph.outputs = {*builder.Add("Add", {product, builder.Constant("anchors", Thirds(1))})};
  return graph;
}

const Tensor& Constant(const Graph& graph, std::string_view name) {
  for (const Value& value : graph.values) {
    if (value.name == name) return value.data;
  }
  throw std::out_of_range(std::string(name));
}

bool HaveEqualBytes(const Tensor& a, const Tensor& b) {
  return a.dims() == b.dims() && a.size_bytes() == b.size_bytes() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size_bytes())) == 0;
}

TEST(HalfWeights, AreRoundedAndNothingElse) {
  Graph graph = Network(Thirds(1));
  const HalfWeightsReport report = RoundWeightsToHalves(graph);
  EXPECT_EQ(report.rounded, 1);
  EXPECT_EQ(report.bytes, 8 * 16 * 4);
  EXPECT_THAT(report.kept, IsEmpty());
  const Tensor exact = Thirds(1);
  const Tensor& rounded = Constant(graph, "w");
  EXPECT_TRUE(AreHalves(rounded));
  for (int64_t i = 0; i < exact.count(); ++i) {
    const float x = exact.as<float>()[i];
    EXPECT_LE(std::fabs(rounded.as<float>()[i] - x), std::fabs(x) / 2048) << i;
  }
  EXPECT_TRUE(HaveEqualBytes(Constant(graph, "anchors"), exact));
}

TEST(HalfWeights, OutOfRangeStayAsTheyAre) {
  for (const float last : {65520.0F, -1e6F, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    Tensor weights = Thirds(1);
    weights.as<float>()[127] = last;
    Graph graph = Network(weights.Clone());
    const HalfWeightsReport report = RoundWeightsToHalves(graph);
    EXPECT_EQ(report.rounded, 0);
    EXPECT_THAT(report.kept, ElementsAre("w"));
    EXPECT_TRUE(HaveEqualBytes(Constant(graph, "w"), weights));
  }
}

TEST(HalfWeights, TakeHalfTheRoomAndComeBackToTheBit) {
  SlipModel model;
  model.graph = Network(Thirds(1));
  RoundWeightsToHalves(model.graph);
  const std::string wide = *FormatSlip(model);
  model.has_half_weights = true;
  const std::string narrow = *FormatSlip(model);
  EXPECT_NEAR(static_cast<double>(wide.size() - narrow.size()), 8 * 16 * 2, 64);
  const auto read = ParseSlip({reinterpret_cast<const uint8_t*>(narrow.data()), narrow.size()}, nullptr);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(read->has_half_weights);
  EXPECT_TRUE(HaveEqualBytes(Constant(read->graph, "w"), Constant(model.graph, "w")));
  EXPECT_TRUE(HaveEqualBytes(Constant(read->graph, "anchors"), Thirds(1)));
  EXPECT_EQ(*FormatSlip(*read), narrow);
}

// Every half, subnormal ones and the signs of zero among them.
TEST(HalfWeights, EveryFiniteHalfComesBack) {
  Tensor all(DType::kF32, {2, 31 * 1024});
  for (int64_t i = 0; i < all.count(); ++i) {
    const auto bits = static_cast<uint16_t>(i % (31 * 1024) + (i < 31 * 1024 ? 0 : 0x8000));
    all.as<float>()[i] = HalfToFloat(bits);
  }
  ASSERT_TRUE(AreHalves(all));
  const std::vector<uint16_t> halves = ToHalves(all);
  EXPECT_TRUE(HaveEqualBytes(FromHalves(all.dims(), reinterpret_cast<const uint8_t*>(halves.data())), all));
}

}  // namespace
}  // namespace slipway
