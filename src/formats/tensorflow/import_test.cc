#include "formats/tensorflow/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "formats/tensorflow/placeholder.h"
#include "formats/tensorflow/test_graph.h"
#include "formats/tensorflow/tfjs.h"
#include "ops/run.h"

namespace slipway::tensorflow {
namespace {

using testing::HasSubstr;

// x -> split -> (a, b) -> relu of b; abs of a.
TfGraph SplitGraph() {
  return MakeGraph({ConstNode("axis", IntTensor({}, {1})),
                    PlaceholderNode("x", {2, 4}),
                    {"split", "Split", {"axis", "x"}, {{"num_split", int64_t{2}}}},
                    {"relu", "Relu", {"split:1", "^x"}, {}},
                    {"abs", "Abs", {"split"}, {}}});
}

std::string Names(const Graph& graph, const std::vector<ValueId>& ids) {
  std::string text;
  for (ValueId id : ids)
    text += (text.empty() ? "" : " ") + graph.value(id).name + " " + ToString(graph.value(id).type);
  return text;
}

// "x f32[2,4] -> relu f32[2,2] abs f32[2,2]", or the error.
std::string Signature(const TfGraph& source, const ImportOptions& options = {}) {
  const auto model = ImportGraph(source, options);
  if (!model.ok()) return model.status().message();
  return Names(model->graph, model->graph.inputs) + " -> " + Names(model->graph, model->graph.outputs);
}

InputCut Cut(const char* text) { return *ParseInputCut(text); }

TEST(TfImport, OutputsAreWhatNobodyReads) {
  EXPECT_EQ(Signature(SplitGraph()), "x f32[2,4] -> relu f32[2,2] abs f32[2,2]");
}

TEST(TfImport, NumberedOutputsReachTheirReaders) {
  const auto model = ImportGraph(SplitGraph(), {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  const std::vector<Datum> inputs = {Datum::Of(FloatTensor({2, 4}, {1, -2, -3, 4, -5, 6, 7, -8}))};
  const auto outputs = Interpret(model->graph, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  const auto values = [&](size_t i) {
    const Tensor& tensor = (*outputs)[i].tensor;
    return std::vector<float>(tensor.as<float>(), tensor.as<float>() + tensor.count());
  };
  EXPECT_EQ(values(0), (std::vector<float>{0, 4, 7, 0}));
  EXPECT_EQ(values(1), (std::vector<float>{1, 2, 5, 6}));
}

TEST(TfImport, CutsAnywhere) {
  EXPECT_EQ(Signature(SplitGraph(), {.outputs = {"split:1"}}), "x f32[2,4] -> split:1 f32[2,2]");
  EXPECT_EQ(Signature(SplitGraph(), {.inputs = {Cut("split[3,5]")}, .outputs = {"abs"}}),
            "split f32[3,5] -> abs f32[3,5]");
  EXPECT_EQ(Signature(SplitGraph(), {.inputs = {Cut("split:1[3,5]")}, .outputs = {"relu"}}),
            "split:1 f32[3,5] -> relu f32[3,5]");
  EXPECT_EQ(Signature(SplitGraph(), {.inputs = {Cut("x[7,6]")}, .outputs = {"abs"}}),
            "x f32[7,6] -> abs f32[7,3]");
  EXPECT_EQ(Signature(SplitGraph(), {.inputs = {Cut("split[2]:i32")}, .outputs = {"abs"}}),
            "split i32[2] -> abs i32[2]");
}

TEST(TfImport, UnknownNamesGetTheNearest) {
  EXPECT_EQ(Signature(SplitGraph(), {.inputs = {Cut("splt[1]")}}),
            "--input 'splt': the graph has no node of that name (did you mean 'split'?)");
  EXPECT_EQ(Signature(SplitGraph(), {.outputs = {"rleu"}}),
            "--output 'rleu': the graph has no node of that name (did you mean 'relu'?)");
}

TEST(TfImport, AMissingNodeIsNamed) {
  EXPECT_EQ(Signature(MakeGraph({{"relu", "Relu", {"gone:1"}, {}}})),
            "Relu 'relu' reads 'gone', which the graph lacks");
}

TEST(TfImport, ACircleIsRefused) {
  EXPECT_EQ(
      Signature(MakeGraph({{"a", "Relu", {"b"}, {}}, {"b", "Abs", {"a"}, {}}, {"c", "Neg", {"b"}, {}}})),
      "node 'b' depends on its own result");
  EXPECT_EQ(Signature(MakeGraph({{"a", "Relu", {"a"}, {}}}), {.outputs = {"a"}}),
            "node 'a' depends on its own result");
}

TEST(TfImport, DeepGraphsDoNotRecurse) {
  std::vector<TfNode> nodes = {PlaceholderNode("n0", {1})};
  for (int i = 1; i <= 20000; ++i)
    nodes.push_back({"n" + std::to_string(i), "Relu", {"n" + std::to_string(i - 1)}, {}});
  EXPECT_EQ(Signature(MakeGraph(std::move(nodes))), "n0 f32[1] -> n20000 f32[1]");
}

TEST(TfImport, EveryUnsupportedNodeIsListedWithTheShapesAtHand) {
  const std::string message = Signature(MakeGraph({PlaceholderNode("x", {2, 3}),
                                                   {"first", "NoSuchOp", {"x"}, {}},
                                                   {"between", "Relu", {"first"}, {}},
                                                   {"second", "Betainc", {"between", "x"}, {}},
                                                   {"apart", "NoSuchOp", {"x"}, {}}}));
  EXPECT_EQ(message,
            "3 nodes of this model cannot be read: Betainc x1; NoSuchOp x2\n"
            "    'first': NoSuchOp on (f32[2,3])\n"
            "    'second': Betainc on (?, f32[2,3])\n"
            "    'apart': NoSuchOp on (f32[2,3])");
}

TEST(TfImport, AnInputWithoutAShapeIsNamedInTheHint) {
  TfNode open = {"x", "Placeholder", {}, {{"dtype", DType::kF32}}};
  TfNode filter = ConstNode("w", FloatTensor({1, 1, 1, 1}, {1}));
  TfNode shape = {"shape", "Placeholder", {}, {{"dtype", DType::kI32}, {"shape", Ints{-1}}}};
  const auto model = ImportGraph(
      MakeGraph({open,
                 filter,
                 shape,
                 {"wide", "Reshape", {"x", "shape"}, {}},
                 {"y", "Conv2D", {"wide", "w"}, {{"strides", Ints{1, 1, 1, 1}}, {"padding", "SAME"}}}}),
      {});
  EXPECT_THAT(model.status().hint(), HasSubstr("input 'x' has no shape in the file: say which"));
}

TEST(TfImport, NodesBehindACutAreNotAsked) {
  const TfGraph graph =
      MakeGraph({PlaceholderNode("x", {2}), {"bad", "NoSuchOp", {"x"}, {}}, {"y", "Relu", {"bad"}, {}}});
  EXPECT_EQ(Signature(graph, {.inputs = {Cut("bad[5]")}}), "bad f32[5] -> y f32[5]");
}

TEST(TfImport, AConstantWithoutAValueIsNamed) {
  EXPECT_EQ(Signature(MakeGraph({{"c", "Const", {}, {}}, {"y", "Relu", {"c"}, {}}})),
            "constant 'c' has no value");
}

// A placeholder of no shape, read by `reader`, whose second input is "w", a 3x3 filter of 5 channels.
TfGraph ShapelessGraph(TfNode reader, int64_t version) {
  TfGraph graph = MakeGraph({PlaceholderNode("x", {}),
                             ConstNode("w", FloatTensor({3, 3, 5, 2}, std::vector<float>(90))),
                             {"pass", "Relu", {"x"}, {}},
                             std::move(reader)});
  graph.version = version;
  return graph;
}

std::string PlaceholderText(const TfGraph& graph) {
  return ToString(TypeOfPlaceholder(graph, *graph.Find("x")).type);
}

TEST(TfPlaceholder, OldScalarsTakeTheRankOfTheirReaders) {
  const TfNode conv = {"c", "Conv2D", {"pass", "w"}, {{"data_format", std::string("NHWC")}}};
  EXPECT_EQ(PlaceholderText(ShapelessGraph(conv, 0)), "f32[batch,?,?,5]");
  EXPECT_EQ(PlaceholderText(ShapelessGraph(conv, 21)), "f32[batch,?,?,5]");
  EXPECT_EQ(PlaceholderText(ShapelessGraph(conv, 22)), "f32[]");
  const TfNode first = {"c", "Conv2D", {"x", "w"}, {{"data_format", std::string("NCHW")}}};
  EXPECT_EQ(PlaceholderText(ShapelessGraph(first, 0)), "f32[batch,5,?,?]");
  EXPECT_EQ(PlaceholderText(ShapelessGraph({"p", "MaxPool3D", {"x"}, {}}, 0)), "f32[batch,?,?,?,?]");
  EXPECT_EQ(PlaceholderText(ShapelessGraph({"s", "Shape", {"x"}, {}}, 0)), "f32[*]");
}

// frames of 40 -> [1,frames,40] -> [1,frames,1,40]
TEST(TfPlaceholder, AxesThatAreAddedOnTheWayAreTakenOff) {
  TfNode open = {"x", "Placeholder", {}, {{"dtype", DType::kF32}}};
  EXPECT_EQ(Signature(MakeGraph(
                {open,
                 ConstNode("zero", IntTensor({}, {0})),
                 ConstNode("beside", IntTensor({}, {-2})),
                 ConstNode("w", Tensor(DType::kF32, {5, 1, 40, 8})),
                 {"one", "ExpandDims", {"x", "zero"}, {}},
                 {"rows", "ExpandDims", {"one", "beside"}, {}},
                 {"y", "Conv2D", {"rows", "w"}, {{"strides", Ints{1, 1, 1, 1}}, {"padding", "VALID"}}}})),
            "x f32[?,40] -> y f32[1,?,1,8]");
}

TEST(TfPlaceholder, DecodersTakeOneString) {
  TfNode open = {"x", "Placeholder", {}, {{"dtype", DType::kString}}};
  EXPECT_EQ(Signature(MakeGraph({open, {"y", "DecodeWav", {"x"}, {{"desired_samples", int64_t{160}}}}})),
            "x string[] -> y f32[160,?]");
}

TEST(TfPlaceholder, WhatWasGuessedIsSaid) {
  const TfGraph graph = ShapelessGraph({"c", "Conv2D", {"x", "w"}, {}}, 0);
  EXPECT_EQ(TypeOfPlaceholder(graph, *graph.Find("x")).note,
            "input 'x' has no shape in the file: taken as [batch,?,?,5] from Conv2D 'c'; --input x[shape] "
            "says otherwise");
}

TEST(TfPlaceholder, ReadersInHalvesGetACast) {
  const TfGraph graph = MakeGraph({PlaceholderNode("x", {2}), {"y", "Relu", {"x"}, {{"T", DType::kF16}}}});
  EXPECT_EQ(Signature(graph), "x f32[2] -> y f16[2]");
  const TfGraph mixed = MakeGraph({PlaceholderNode("x", {2}),
                                   {"y", "Relu", {"x"}, {{"T", DType::kF16}}},
                                   {"z", "Abs", {"x"}, {{"T", DType::kF32}}}});
  EXPECT_EQ(Signature(mixed), "x f32[2] -> y f32[2] z f32[2]");
}

Tensor Numbers(Dims dims) {
  Tensor tensor(DType::kF32, std::move(dims));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.as<float>()[i] = static_cast<float>((i * 7) % 11) - 4;
  return tensor;
}

// [N,H,W,C] to [N,C,H,W].
Tensor ToChannelsFirst(const Tensor& x) {
  const int64_t n = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  Tensor y(DType::kF32, {n, c, h, w});
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t pixel = i / c % (h * w);
    y.as<float>()[(i / (h * w * c) * c + i % c) * h * w + pixel] = x.as<float>()[i];
  }
  return y;
}

// What `node`, reading "x" and further constants, makes of x in one layout.
Result<Tensor> RunInLayout(TfNode node, const Tensor& x, const std::vector<TfNode>& constants,
                           const char* layout) {
  node.attrs.Set("data_format", std::string(layout));
  std::vector<TfNode> nodes = constants;
  nodes.push_back(PlaceholderNode("x", x.dims()));
  nodes.push_back(std::move(node));
  SLIPWAY_ASSIGN_OR_RETURN(const ImportedModel model, ImportGraph(MakeGraph(std::move(nodes)), {}));
  const std::vector<Datum> inputs = {Datum::Of(x)};
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> outputs, Interpret(model.graph, inputs));
  return outputs.at(0).tensor;
}

struct LayoutCase {
  TfNode node;
  std::vector<TfNode> constants;
  // Attributes with an entry per axis, and the output shape of a transposed convolution, as NCHW spells them.
  Attrs channels_first;
  std::vector<TfNode> constants_first;
};

std::vector<LayoutCase> LayoutCases() {
  const std::vector<TfNode> filter = {ConstNode("w", Numbers({3, 2, 4, 8}))};
  const std::vector<TfNode> back = {ConstNode("w", Numbers({3, 3, 2, 4})),
                                    ConstNode("s", IntTensor({4}, {2, 11, 9, 2}))};
  const std::vector<TfNode> back_first = {back[0], ConstNode("s", IntTensor({4}, {2, 2, 11, 9}))};
  const std::vector<TfNode> four = {ConstNode("b", Numbers({4})),
                                    ConstNode("v", FloatTensor({4}, {1, 2, 3, 4}))};
  const auto windows = [](const char* padding) {
    return Attrs{
        {"strides", Ints{1, 2, 1, 1}}, {"ksize", Ints{1, 3, 2, 1}}, {"padding", std::string(padding)}};
  };
  const Attrs first = {{"strides", Ints{1, 1, 2, 1}}, {"ksize", Ints{1, 1, 3, 2}}};
  const Attrs twice = {{"strides", Ints{1, 2, 2, 1}}, {"padding", std::string("SAME")}};
  const Attrs twice_first = {{"strides", Ints{1, 1, 2, 2}}};
  const Attrs explicit_pads = {{"strides", Ints{1, 1, 1, 1}},
                               {"padding", std::string("EXPLICIT")},
                               {"explicit_paddings", Ints{0, 0, 1, 0, 2, 1, 0, 0}}};
  return {
      {{"y", "Conv2D", {"x", "w"}, windows("SAME")}, filter, first, filter},
      {{"y", "Conv2D", {"x", "w"}, windows("VALID")}, filter, first, filter},
      {{"y", "Conv2D", {"x", "w"}, explicit_pads},
       filter,
       {{"explicit_paddings", Ints{0, 0, 0, 0, 1, 0, 2, 1}}},
       filter},
      {{"y", "DepthwiseConv2dNative", {"x", "w"}, twice}, filter, twice_first, filter},
      {{"y", "Conv2DBackpropInput", {"s", "w", "x"}, twice}, back, twice_first, back_first},
      {{"y", "MaxPool", {"x"}, windows("SAME")}, {}, first, {}},
      {{"y", "AvgPool", {"x"}, windows("SAME")}, {}, first, {}},
      {{"y", "BiasAdd", {"x", "b"}, {}}, four, {}, four},
      {{"y", "FusedBatchNormV3", {"x", "b", "b", "v", "v"}, {{"is_training", int64_t{0}}}}, four, {}, four},
      {{"y", "FusedBatchNorm", {"x", "b", "b", "v", "v"}, {{"is_training", int64_t{1}}}}, four, {}, four},
      {{"y", "DepthToSpace", {"x"}, {{"block_size", int64_t{2}}}}, {}, {}, {}}};
}

TEST(TfLayouts, ChannelsFirstGivesTheSameNumbers) {
  for (const LayoutCase& each : LayoutCases()) {
    const std::string what = each.node.op + " " + each.node.attrs.String("padding");
    const Tensor x = Numbers({2, each.node.op == "Conv2DBackpropInput" ? 6 : 11, 5, 4});
    TfNode first = each.node;
    for (const auto& [name, value] : each.channels_first) first.attrs.Set(name, value);
    const auto last_result = RunInLayout(each.node, x, each.constants, "NHWC");
    const auto first_result = RunInLayout(first, ToChannelsFirst(x), each.constants_first, "NCHW");
    ASSERT_TRUE(last_result.ok()) << what << ": " << last_result.status().message();
    ASSERT_TRUE(first_result.ok()) << what << ": " << first_result.status().message();
    const Tensor expected = ToChannelsFirst(*last_result);
    ASSERT_EQ(first_result->dims(), expected.dims()) << what;
    for (int64_t i = 0; i < expected.count(); ++i) {
      const float tolerance = 1e-5F * (1 + std::abs(expected.as<float>()[i]));
      ASSERT_NEAR(first_result->as<float>()[i], expected.as<float>()[i], tolerance) << what << " at " << i;
    }
  }
}

// The fuzzer's seeds must reach the importer: a shard holds as many bytes as its path's last digits say.
TEST(TfImport, FuzzSeedsAreImported) {
  for (const char* name : {"new", "old", "quantized"}) {
    const auto text = ReadFile(std::string(SLIPWAY_SOURCE_DIR "/fuzz/seeds/tfjs/") + name + ".json");
    ASSERT_TRUE(text.ok()) << text.status().message();
    const auto graph = ParseTfjsModel(*text, ShardsOf([](const std::string& path) -> Result<std::string> {
      return std::string(std::stoul(path.substr(path.find_last_not_of("0123456789") + 1)), '\0');
    }));
    ASSERT_TRUE(graph.ok()) << name << ": " << graph.status().message();
    EXPECT_THAT(Signature(*graph), HasSubstr(" -> ")) << name;
  }
}

}  // namespace
}  // namespace slipway::tensorflow
