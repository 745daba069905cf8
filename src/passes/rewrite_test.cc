// GraphView: after any changes it says what a view made anew says.
#include "passes/rewrite.h"

#include <gtest/gtest.h>

#include <random>

namespace slipway {
namespace {

constexpr int kNodes = 12;
constexpr int kInputs = 3;  // of the graph

// Node i writes value kInputs + i and reads up to three from before.
Graph RandomGraph(std::mt19937& random) {
  Graph graph;
  for (int i = 0; i < kInputs + kNodes; ++i) graph.AddValue({});
  for (ValueId id = 0; id < kInputs; ++id) graph.inputs.push_back(id);
  for (ValueId id = kInputs; id < kInputs + kNodes; ++id) {
    Node node;
    for (uint32_t count = random() % 4; count > 0; --count)
      node.inputs.push_back(static_cast<ValueId>(random() % static_cast<uint32_t>(id + 1)) - 1);
    node.outputs = {id};
    graph.nodes.push_back(node);
  }
  graph.outputs = {kInputs + kNodes - 1, kInputs + kNodes / 2};
  return graph;
}

// What the view says of every value, nodes by their index.
std::string Told(GraphView& view) {
  Graph& graph = view.graph();
  const auto index = [&](const Node* node) {
    return node == nullptr ? "-" : std::to_string(node - graph.nodes.data());
  };
  std::string told;
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    told += std::to_string(id) + ": by " + index(view.Producer(id)) + ", uses " +
            std::to_string(view.UseCount(id)) + ", only " + index(view.OnlyReader(id)) + ", all";
    for (const Node* reader : view.Readers(id)) told += " " + index(reader);
    told += "\n";
  }
  return told;
}

TEST(GraphView, KeepsUpWithRandomChanges) {
  std::mt19937 random(20261129);
  for (int round = 0; round < 300; ++round) {
    Graph graph = RandomGraph(random);
    GraphView view(graph);
    std::vector<bool> is_dropped(kNodes, false);
    for (int change = 0; change < 8; ++change) {
      const size_t i = random() % kNodes;
      Node& node = graph.nodes[i];
      if (is_dropped[i]) continue;
      switch (random() % 3) {
        case 0:  // reads something else, a new constant among it
          node.inputs = {static_cast<ValueId>(random() % static_cast<uint32_t>(kInputs + i)),
                         graph.AddConstant("c", Tensor(DType::kF32, {1}))};
          view.Update(node);
          break;
        case 1:
          view.Drop(node);
          is_dropped[i] = true;
          break;
        default:  // takes over the result of a later one
          if (i + 1 == kNodes || is_dropped[i + 1]) break;
          node.outputs = graph.nodes[i + 1].outputs;
          if (random() % 2 == 0) view.Update(node);
          view.Drop(graph.nodes[i + 1]);
          view.Update(node);
          is_dropped[i + 1] = true;
      }
      if (random() % 2 == 0) Told(view);  // questions change nothing
    }
    const std::string told = Told(view);
    for (size_t i = 0; i < kNodes; ++i) {
      if (is_dropped[i]) graph.nodes[i] = {};
    }
    GraphView anew(graph);
    ASSERT_EQ(told, Told(anew)) << "round " << round;
  }
}

}  // namespace
}  // namespace slipway
