// Symbolic dimensions, and the graph's own upkeep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/graph.h"

namespace slipway {
namespace {

using testing::HasSubstr;

TEST(Dim, FoldsWhatIsKnown) {
  EXPECT_EQ((Dim(3) + Dim(4)).ToString(), "7");
  EXPECT_EQ(FloorDiv(Dim(-7), Dim(2)).ToString(), "-4");
  EXPECT_EQ(CeilDiv(Dim(7), Dim(2)).ToString(), "4");
  EXPECT_EQ((Dim::Symbol("N") + Dim(0)).ToString(), "N");
  EXPECT_EQ((Dim::Symbol("N") * Dim(1)).ToString(), "N");
  EXPECT_FALSE(FloorDiv(Dim(1), Dim(0)).IsKnown());
}

TEST(Dim, EqualComputationsAreEqual) {
  const Dim n = Dim::Symbol("N");
  EXPECT_TRUE((n * Dim(2)).SurelyEquals(n * Dim(2)));
  EXPECT_FALSE((n * Dim(2)).SurelyEquals(n * Dim(3)));
  EXPECT_FALSE(Dim().SurelyEquals(Dim())) << "anonymous unknowns equal nothing";
  EXPECT_EQ(ToString(DimList{n, 3, Dim()}), "[N,3,?]");
}

TEST(Dim, MultiplesAndOffsetsCancel) {
  const Dim n = Dim::Symbol("N"), h = Dim::Symbol("H");
  EXPECT_EQ(FloorDiv(n * Dim(32), Dim(32)).ToString(), "N");
  EXPECT_EQ(FloorDiv(Dim(6) * n * h, n * Dim(4)).ToString(), "((H*3)/2)");
  EXPECT_EQ(FloorDiv(FloorDiv(n, Dim(2)), Dim(3)).ToString(), "(N/6)");
  EXPECT_EQ(FloorDiv(n * Dim(4) + Dim(3), Dim(2)).ToString(), "((N*2)+1)");
  EXPECT_EQ(((h - Dim(1)) + Dim(1)).ToString(), "H");
  EXPECT_EQ(((h + Dim(2)) - Dim(5)).ToString(), "(H-3)");
  EXPECT_EQ((n * Dim(2) + n).ToString(), "(N*3)");
  EXPECT_EQ((n * Dim(3) - n * Dim(3)).ToString(), "0");
  EXPECT_TRUE((h * n * Dim(2)).SurelyEquals(Dim(2) * n * h));
}

// A floor must not be taken apart where the parts do not divide.
TEST(Dim, WhatDoesNotDivideStays) {
  const Dim n = Dim::Symbol("N");
  EXPECT_EQ((FloorDiv(n, Dim(2)) * Dim(2)).ToString(), "((N/2)*2)");
  EXPECT_EQ(FloorDiv(n + Dim(2), Dim(2)).ToString(), "((N+2)/2)");
  EXPECT_EQ(FloorDiv(n * Dim(3), Dim(2)).ToString(), "((N*3)/2)");
}

// A source may call its dimensions anything: what cannot be told apart is left alone.
TEST(Dim, NamesThatLookLikeExpressionsAreHarmless) {
  for (const char* name : {"(", "()", "(a)*(b)", "(a*b", "(a-b-c)", "(*)", "(a*)", "((a*2)", "a+b*6"}) {
    const Dim odd = Dim::Symbol(name);
    EXPECT_TRUE(FloorDiv(odd * Dim(6), Dim(5)).SurelyEquals(FloorDiv(odd * Dim(6), Dim(5)))) << name;
    EXPECT_EQ(FloorDiv(odd, Dim(3)).ToString(), "(" + std::string(name) + "/3)");
  }
  EXPECT_EQ(FloorDiv(Dim::Symbol("a+b*6"), Dim(6)).ToString(), "(a+b*6/6)") << "not (a+b)";
  EXPECT_EQ(FloorDiv(Dim::Symbol("seq-len") * Dim(6), Dim(6)).ToString(), "((seq-len*6)/6)");
}

// x -> A -> B, C unused
Graph Chain() {
  Graph graph;
  const auto add = [&](const char* name) { return graph.AddValue({name, {}, {}, {}}); };
  const ValueId x = add("x"), a = add("a"), b = add("b"), c = add("c");
  graph.inputs = {x};
  graph.nodes = {{"A", "A", {x}, {a}, {}, {}}, {"B", "B", {a}, {b}, {}, {}}, {"C", "C", {a}, {c}, {}, {}}};
  graph.outputs = {b};
  return graph;
}

TEST(Graph, NamesStayUnique) {
  Graph graph;
  graph.AddValue({"x", {}, {}, {}});
  const ValueId second = graph.AddValue({"x", {}, {}, {}});
  const ValueId unnamed = graph.AddValue({"", {}, {}, {}});
  EXPECT_NE(graph.value(second).name, "x");
  EXPECT_NE(graph.value(unnamed).name, "");
  EXPECT_EQ(graph.FindValue(graph.value(second).name), second);
  EXPECT_EQ(graph.FindValue("none"), kNoValue);
}

TEST(Graph, KnowsProducersAndUses) {
  const Graph graph = Chain();
  EXPECT_EQ(graph.Producers(), (std::vector<int>{-1, 0, 1, 2}));
  EXPECT_EQ(graph.UseCounts(), (std::vector<int>{1, 2, 1, 0}));
}

TEST(Graph, CompactDropsNodesAndTheirValues) {
  Graph graph = Chain();
  graph.Compact({false, false, true});
  EXPECT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.FindValue("c"), kNoValue);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "b");
}

TEST(Graph, SortsAndNamesCycles) {
  Graph graph = Chain();
  std::swap(graph.nodes[0], graph.nodes[1]);
  ASSERT_TRUE(graph.SortTopologically().ok());
  EXPECT_EQ(graph.nodes[0].name, "A");
  graph.nodes[0].inputs = {2};  // A reads what B makes of it
  const Status status = graph.SortTopologically();
  EXPECT_EQ(status.code(), Code::kInvalidModel);
  EXPECT_THAT(status.message(), testing::AnyOf(HasSubstr("'A'"), HasSubstr("'B'")));
}

TEST(Attrs, AnswerOnlyTheirOwnKind) {
  const Attrs attrs{{"i", int64_t{3}}, {"list", Ints{1, 2}}};
  EXPECT_EQ(attrs.Int("i"), 3);
  EXPECT_EQ(attrs.Int("list", 7), 7);
  EXPECT_EQ(attrs.Int("none", 5), 5);
  EXPECT_TRUE(attrs.String("i").empty());
}

}  // namespace
}  // namespace slipway
