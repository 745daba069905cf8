#include "formats/tensorflow/preprocessor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tensorflow/import.h"
#include "formats/tensorflow/test_graph.h"

namespace slipway::tensorflow {
namespace {

using testing::HasSubstr;

// The Object Detection API's Preprocessor: resize every image of the batch in a while loop, x * (2 / 255)
// - 1.
std::vector<TfNode> PreprocessorNodes() {
  return {
      PlaceholderNode("image", {-1, -1, -1, 3}),
      {"ToFloat", "Cast", {"image"}, {{"DstT", DType::kF32}}},
      ConstNode("zero", IntTensor({}, {0})),
      ConstNode("one", IntTensor({}, {1})),
      ConstNode("begin", IntTensor({1}, {0})),
      ConstNode("end", IntTensor({1}, {1})),
      {"shape", "Shape", {"ToFloat"}, {}},
      {"count", "StridedSlice", {"shape", "begin", "end", "end"}, {{"shrink_axis_mask", int64_t{1}}}},
      {"range", "Range", {"zero", "count", "one"}, {}},
      {"array", "TensorArrayV3", {"count"}, {{"dtype", DType::kF32}}},
      {"results", "TensorArrayV3", {"count"}, {{"dtype", DType::kF32}}},
      {"scatter", "TensorArrayScatterV3", {"array", "range", "ToFloat", "array:1"}, {}},
      {"while/enter", "Enter", {"zero"}, {{"frame_name", std::string("while")}}},
      {"while/enter_flow", "Enter", {"results:1"}, {{"frame_name", std::string("while")}}},
      {"while/enter_array", "Enter", {"array"}, {{"frame_name", std::string("while")}}},
      {"while/enter_scatter", "Enter", {"scatter"}, {{"frame_name", std::string("while")}}},
      {"while/enter_results", "Enter", {"results"}, {{"frame_name", std::string("while")}}},
      {"while/enter_count", "Enter", {"count"}, {{"frame_name", std::string("while")}}},
      {"while/merge", "Merge", {"while/enter", "while/next"}, {}},
      {"while/merge_flow", "Merge", {"while/enter_flow", "while/next_flow"}, {}},
      {"while/less", "Less", {"while/merge", "while/enter_count"}, {}},
      {"while/cond", "LoopCond", {"while/less"}, {}},
      {"while/switch", "Switch", {"while/merge", "while/cond"}, {}},
      {"while/switch_flow", "Switch", {"while/merge_flow", "while/cond"}, {}},
      {"while/i", "Identity", {"while/switch:1"}, {}},
      {"while/add", "Add", {"while/i", "one"}, {}},
      {"while/read",
       "TensorArrayReadV3",
       {"while/enter_array", "while/i", "while/enter_scatter"},
       {{"dtype", DType::kF32}}},
      {"while/expand", "ExpandDims", {"while/read", "zero"}, {}},
      ConstNode("size", IntTensor({2}, {48, 64})),
      {"while/resize", "ResizeBilinear", {"while/expand", "size"}, {}},
      {"while/squeeze", "Squeeze", {"while/resize"}, {{"squeeze_dims", Ints{0}}}},
      {"while/write",
       "TensorArrayWriteV3",
       {"while/enter_results", "while/i", "while/squeeze", "while/switch_flow:1"},
       {}},
      {"while/next", "NextIteration", {"while/add"}, {}},
      {"while/next_flow", "NextIteration", {"while/write"}, {}},
      {"while/exit_flow", "Exit", {"while/switch_flow"}, {}},
      {"gather", "TensorArrayGatherV3", {"results", "range", "while/exit_flow"}, {{"dtype", DType::kF32}}},
      ConstNode("scale", FloatTensor({}, {2.0F / 255})),
      ConstNode("offset", FloatTensor({}, {1})),
      {"mul", "Mul", {"scale", "gather"}, {}},
      {"sub", "Sub", {"mul", "offset"}, {}},
      {"out", "Relu", {"sub"}, {}},
  };
}

TfNode& Named(std::vector<TfNode>& nodes, const std::string& name) {
  return *std::find_if(nodes.begin(), nodes.end(), [&](const TfNode& node) { return node.name == name; });
}

TEST(Preprocessor, LoopBecomesNumbers) {
  const auto found = FindPreprocessor(MakeGraph(PreprocessorNodes()));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->input, "image");
  EXPECT_EQ(found->replaced, "sub");
  EXPECT_EQ(found->height, 48);
  EXPECT_EQ(found->width, 64);
  EXPECT_EQ(found->channels, 3);
  EXPECT_FALSE(found->is_nearest || found->is_align_corners || found->is_half_pixel);
  EXPECT_FLOAT_EQ(static_cast<float>(found->scale), 2.0F / 255);
  EXPECT_FLOAT_EQ(static_cast<float>(found->offset), -1);
}

TEST(Preprocessor, ResizeAttributesSurvive) {
  std::vector<TfNode> nodes = PreprocessorNodes();
  Named(nodes, "while/resize") = {"while/resize",
                                  "ResizeNearestNeighbor",
                                  {"while/expand", "size"},
                                  {{"align_corners", int64_t{0}}, {"half_pixel_centers", int64_t{1}}}};
  const auto found = FindPreprocessor(MakeGraph(nodes));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->is_nearest && found->is_half_pixel);
}

TEST(Preprocessor, ArithmeticEndsWhereAnythingElseReads) {
  std::vector<TfNode> nodes = PreprocessorNodes();
  nodes.push_back({"other", "Abs", {"mul"}, {}});
  const auto found = FindPreprocessor(MakeGraph(nodes));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->replaced, "mul");
  EXPECT_EQ(found->offset, 0);
}

TEST(Preprocessor, ImportMovesTheLoopIntoTheManifest) {
  const auto model = ImportGraph(MakeGraph(PreprocessorNodes()), {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  ASSERT_EQ(model->graph.inputs.size(), 1U);
  EXPECT_EQ(ToString(model->graph.value(model->graph.inputs[0]).type), "f32[1,48,64,3]");
  ASSERT_EQ(model->graph.nodes.size(), 1U);
  EXPECT_EQ(model->graph.nodes[0].op, "Relu");
  ASSERT_TRUE(model->manifest);
  const InputSpec& input = model->manifest->inputs.at(0);
  EXPECT_EQ(input.tensor, "image");
  EXPECT_EQ(input.resize.mode, ResizeMode::kStretch);
  EXPECT_EQ(input.resize.filter, ResizeFilter::kBilinear);
  EXPECT_EQ(input.resize.convention, ResizeConvention::kAsymmetric);
  EXPECT_EQ(input.resize.width, 64);
  EXPECT_EQ(input.resize.height, 48);
  EXPECT_NEAR(input.mean.at(0), 127.5, 1e-4);
  EXPECT_NEAR(input.std.at(0), 127.5, 1e-4);
  EXPECT_THAT(model->notes.at(0), HasSubstr("resize to 64x48"));
}

// The inputs of the graph that `options` make of the preprocessor, and whether its numbers are there.
std::string InputsWith(const ImportOptions& options) {
  std::vector<TfNode> nodes = PreprocessorNodes();
  nodes.push_back(PlaceholderNode("side", {1}));
  nodes.push_back({"both", "Mul", {"out", "side"}, {}});
  const auto model = ImportGraph(MakeGraph(nodes), options);
  if (!model.ok()) return model.status().ToString();
  std::string text;
  for (ValueId id : model->graph.inputs) {
    text += model->graph.value(id).name + " " + ToString(model->graph.value(id).type) + "; ";
  }
  return text + (model->manifest ? "manifest" : "no manifest");
}

InputCut Cut(const std::string& text) { return ParseInputCut(text).value(); }

TEST(Preprocessor, StaysWhereTheUserNamesOtherInputs) {
  EXPECT_EQ(InputsWith({.inputs = {Cut("side[3]")}}), "side f32[3]; image f32[1,48,64,3]; manifest");
}

TEST(Preprocessor, TheImageMayBeNamedAndHaveABatch) {
  EXPECT_EQ(InputsWith({.inputs = {Cut("image")}, .outputs = {"out"}}), "image f32[1,48,64,3]; manifest");
  EXPECT_EQ(InputsWith({.inputs = {Cut("image[4,?,?,3]")}, .outputs = {"out"}}),
            "image f32[4,48,64,3]; manifest");
  EXPECT_THAT(InputsWith({.inputs = {Cut("image[1,100,64,3]")}, .outputs = {"out"}}),
              HasSubstr("the graph resizes its photos, and takes f32[1,48,64,3] behind that"));
}

TEST(Preprocessor, GoesWhereACutPassesIt) {
  EXPECT_EQ(InputsWith({.inputs = {Cut("gather[1,8,8,3]:f32")}, .outputs = {"out"}}),
            "gather f32[1,8,8,3]; no manifest");
  EXPECT_EQ(InputsWith({.inputs = {Cut("sub[1,8,8,3]:f32")}, .outputs = {"out"}}),
            "sub f32[1,8,8,3]; no manifest");
  EXPECT_EQ(InputsWith({.inputs = {Cut("out[1,8,8,3]:f32"), Cut("side")}}),
            "out f32[1,8,8,3]; side f32[1]; no manifest");
}

struct Twin {
  const char* label;
  void (*change)(std::vector<TfNode>& nodes);
};

// Loops that look alike and do something else: each stays unsupported, and its nodes are named.
const Twin kTwins[] = {
    {"ScalesInside",
     [](std::vector<TfNode>& nodes) {
       nodes.push_back({"while/scaled", "Mul", {"while/squeeze", "scale"}, {}});
       Named(nodes, "while/write").inputs[2] = "while/scaled";
     }},
    {"FlipsBeforeTheResize",
     [](std::vector<TfNode>& nodes) {
       nodes.push_back({"while/flip", "ReverseV2", {"while/expand", "end"}, {}});
       Named(nodes, "while/resize").inputs[0] = "while/flip";
     }},
    {"ResizesAConstant",
     [](std::vector<TfNode>& nodes) {
       nodes.push_back(ConstNode("picture", FloatTensor({1, 1, 1, 3}, {1, 2, 3})));
       Named(nodes, "while/resize").inputs[0] = "picture";
     }},
    {"WritesElsewhere",
     [](std::vector<TfNode>& nodes) { Named(nodes, "while/write").inputs[1] = "while/add"; }},
    {"ResizesTwice",
     [](std::vector<TfNode>& nodes) {
       nodes.push_back({"while/again", "ResizeBilinear", {"while/resize", "size"}, {}});
       Named(nodes, "while/squeeze").inputs[0] = "while/again";
     }},
    {"ComputesTheSize",
     [](std::vector<TfNode>& nodes) {
       nodes.push_back({"computed", "Add", {"size", "one"}, {}});
       Named(nodes, "while/resize").inputs[1] = "computed";
     }},
    {"ReadsNoPlaceholder",
     [](std::vector<TfNode>& nodes) {
       Named(nodes, "ToFloat") = {"ToFloat", "Abs", {"image"}, {}};
     }},
};

class PreprocessorTwins : public testing::TestWithParam<Twin> {};

TEST_P(PreprocessorTwins, StayLoops) {
  std::vector<TfNode> nodes = PreprocessorNodes();
  GetParam().change(nodes);
  const TfGraph graph = MakeGraph(nodes);
  EXPECT_FALSE(FindPreprocessor(graph));
  const auto model = ImportGraph(graph, {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_FALSE(model->manifest);
  const auto is_loop = [](const Node& node) { return node.op == "While"; };
  EXPECT_EQ(std::count_if(model->graph.nodes.begin(), model->graph.nodes.end(), is_loop), 1);
}

INSTANTIATE_TEST_SUITE_P(All, PreprocessorTwins, testing::ValuesIn(kTwins),
                         [](const auto& info) { return std::string(info.param.label); });

}  // namespace
}  // namespace slipway::tensorflow
