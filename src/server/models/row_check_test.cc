// A batch that nobody asked for is formed only where rows do not know of each other.
#include "server/models/row_check.h"

#include <gtest/gtest.h>

#include "ops/builder.h"

namespace slipway::server {
namespace {

Type Open(DType dtype = DType::kF32) { return {.dtype = dtype, .shape = DimList{Dim::Symbol("n"), Dim(3)}}; }

bool Check(Graph graph) {
  EngineOptions options;
  options.num_threads = 1;
  const auto engine = Engine::Create(std::move(graph), options);
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  return DoRowsStayApart(**engine, *(*engine)->NewContext());
}

TEST(RowCheck, ElementsStayApart) {
  Graph graph;
  GraphBuilder builder(graph);
  graph.outputs = {*builder.Add("Neg", {builder.Input("x", Open())}, {}, "y")};
  EXPECT_TRUE(Check(std::move(graph)));
}

TEST(RowCheck, SoftmaxOverTheFirstDimensionMixesThem) {
  Graph graph;
  GraphBuilder builder(graph);
  graph.outputs = {*builder.Add("Softmax", {builder.Input("x", Open())}, {{"axis", int64_t{0}}}, "y")};
  EXPECT_FALSE(Check(std::move(graph)));
}

TEST(RowCheck, IntegersStayApart) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Open(DType::kI64));
  graph.outputs = {*builder.Add("Add", {x, x}, {}, "y")};
  EXPECT_TRUE(Check(std::move(graph)));
}

TEST(RowCheck, OutputsWithoutARowEachAreNoBatch) {
  Graph graph;
  GraphBuilder builder(graph);
  graph.outputs = {
      *builder.Add("Transpose", {builder.Input("x", Open())}, {{"perm", std::vector<int64_t>{1, 0}}}, "y")};
  EXPECT_FALSE(Check(std::move(graph)));
}

}  // namespace
}  // namespace slipway::server
