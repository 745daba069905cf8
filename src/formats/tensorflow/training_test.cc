#include "formats/tensorflow/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tensorflow/test_graph.h"

namespace slipway::tensorflow {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TfNode Scalar(const char* name, float value) { return ConstNode(name, FloatTensor({}, {value})); }
TfNode Noise() { return {"noise", "RandomUniform", {"shape"}, {}}; }

// "op input input" of the node.
std::string Shown(const TfGraph& graph, const char* name) {
  const TfNode* node = graph.Find(name);
  if (node == nullptr) return "missing";
  std::string text = node->op;
  for (const std::string& input : node->inputs) text += " " + input;
  return text;
}

TEST(WithoutTraining, DropoutInItsSpellings) {
  const std::vector<TfNode> common = {
      PlaceholderNode("x", {2, 3}), {"shape", "Shape", {"x"}, {}}, Noise(), Scalar("rate", 0.3F)};
  const std::vector<std::vector<TfNode>> spellings = {// x / keep * floor(keep + noise)
                                                      {{"keep", "Placeholder", {}, {{"dtype", DType::kF32}}},
                                                       {"div", "RealDiv", {"x", "keep"}, {}},
                                                       {"sum", "Add", {"keep", "noise"}, {}},
                                                       {"floor", "Floor", {"sum"}, {}},
                                                       {"y", "Mul", {"div", "floor"}, {}}},
                                                      // x * scale * cast(noise >= rate)
                                                      {Scalar("scale", 1.4F),
                                                       {"mul", "Mul", {"x", "scale"}, {}},
                                                       {"ge", "GreaterEqual", {"noise", "rate"}, {}},
                                                       {"cast", "Cast", {"ge"}, {}},
                                                       {"y", "Mul", {"mul", "cast"}, {}}},
                                                      // noise >= rate ? x * scale : 0
                                                      {Scalar("scale", 1.4F),
                                                       Scalar("zero", 0),
                                                       {"mul", "Mul", {"x", "scale"}, {}},
                                                       {"ge", "GreaterEqual", {"noise", "rate"}, {}},
                                                       {"y", "SelectV2", {"ge", "mul", "zero"}, {}}}};
  for (const std::vector<TfNode>& spelling : spellings) {
    std::vector<TfNode> nodes = common;
    nodes.insert(nodes.end(), spelling.begin(), spelling.end());
    std::vector<std::string> notes;
    EXPECT_EQ(Shown(WithoutTraining(MakeGraph(nodes), {}, notes), "y"), "Identity x");
    EXPECT_THAT(notes, ElementsAre("left out: dropout x1"));
    // Noise that is added, and what is no noise, stay.
    std::vector<TfNode> twin = nodes;
    twin[2] = {"noise", "Abs", {"x"}, {}};
    EXPECT_NE(Shown(WithoutTraining(MakeGraph(twin), {}, notes), "y"), "Identity x");
    EXPECT_NE(Shown(WithoutTraining(MakeGraph(nodes), {"y"}, notes), "y"), "Identity x");
  }
}

TEST(WithoutTraining, FlagsAreFalse) {
  const auto flag = [](const char* name, DType dtype) {
    return TfNode{name, "Placeholder", {}, {{"dtype", dtype}}};
  };
  const TfGraph graph = MakeGraph(
      {flag("net/is_training", DType::kBool), flag("keras_learning_phase", DType::kBool),
       flag("isTraining", DType::kBool), flag("mask", DType::kBool), flag("training_data", DType::kF32)});
  std::vector<std::string> notes;
  const TfGraph plain = WithoutTraining(graph, {"isTraining"}, notes);
  EXPECT_EQ(Shown(plain, "net/is_training"), "Const");
  EXPECT_EQ(Shown(plain, "keras_learning_phase"), "Const");
  for (const char* name : {"isTraining", "mask", "training_data"})
    EXPECT_EQ(Shown(plain, name), "Placeholder") << name;
  EXPECT_EQ(notes.size(), 2u);
}

TEST(WithoutTraining, PipelinesBecomeInputs) {
  const TfGraph graph = MakeGraph(
      {{"queue", "FIFOQueueV2", {}, {}},
       {"batch",
        "QueueDequeueManyV2",
        {"queue"},
        {{"component_types", Ints{static_cast<int64_t>(DType::kU8), static_cast<int64_t>(DType::kI64)}}}},
       {"image", "Cast", {"batch"}, {}},
       {"label", "Neg", {"batch:1"}, {}}});
  std::vector<std::string> notes;
  const TfGraph plain = WithoutTraining(graph, {}, notes);
  EXPECT_EQ(Shown(plain, "batch"), "Placeholder");
  EXPECT_EQ(plain.Find("batch")->attrs.Type("dtype"), DType::kU8);
  EXPECT_EQ(Shown(plain, "label"), "Neg batch_1");
  EXPECT_EQ(plain.Find("batch_1")->attrs.Type("dtype"), DType::kI64);
  EXPECT_THAT(notes, Contains(HasSubstr("is the input 'batch_1'")));
}

TEST(WithoutTraining, WhatIsLeftOutIsSaid) {
  const TfGraph graph = MakeGraph({PlaceholderNode("x", {1}),
                                   {"a", "Assert", {"x"}, {}},
                                   {"b", "Assert", {"x"}, {}},
                                   {"p", "Print", {"x", "x", "^a"}, {}},
                                   {"n", "FusedBatchNormV3", {"p"}, {{"is_training", int64_t{1}}}}});
  std::vector<std::string> notes;
  EXPECT_EQ(Shown(WithoutTraining(graph, {}, notes), "p"), "Identity x");
  EXPECT_THAT(notes, ElementsAre(HasSubstr("'n' is in training mode"), "left out: Assert x2"));
}

}  // namespace
}  // namespace slipway::tensorflow
