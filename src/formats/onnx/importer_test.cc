// Models written field by field with protozero, as no exporter would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <protozero/pbf_writer.hpp>

#include "formats/onnx/onnx.h"
#include "ops/run.h"

namespace slipway {
namespace {

using protozero::pbf_writer;
using testing::HasSubstr;

constexpr int64_t kF32 = 1;

std::string ValueInfo(const std::string& name, int64_t dtype, const std::vector<std::string>& dims) {
  std::string shape;
  for (const std::string& dim : dims) {
    pbf_writer dim_writer_parent(shape);
    pbf_writer dim_writer(dim_writer_parent, 1);
    if (std::isdigit(dim[0])) {
      dim_writer.add_int64(1, std::stoll(dim));
    } else {
      dim_writer.add_string(2, dim);
    }
  }
  std::string tensor;
  pbf_writer tensor_writer(tensor);
  tensor_writer.add_int32(1, static_cast<int32_t>(dtype));
  tensor_writer.add_message(2, shape);
  std::string type;
  pbf_writer(type).add_message(1, tensor);
  std::string info;
  pbf_writer info_writer(info);
  info_writer.add_string(1, name);
  info_writer.add_message(2, type);
  return info;
}

std::string IntAttribute(const std::string& name, int64_t value) {
  std::string attribute;
  pbf_writer writer(attribute);
  writer.add_string(1, name);
  writer.add_int64(3, value);
  writer.add_int32(20, 2);
  return attribute;
}

std::string GraphAttribute(const std::string& name, const std::string& graph) {
  std::string attribute;
  pbf_writer writer(attribute);
  writer.add_string(1, name);
  writer.add_message(6, graph);
  writer.add_int32(20, 5);
  return attribute;
}

struct NodeSpec {
  std::string op;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> attributes = {};
  std::string domain = {};
};

std::string NodeBytes(const NodeSpec& spec) {
  std::string node;
  pbf_writer writer(node);
  for (const auto& input : spec.inputs) writer.add_string(1, input);
  for (const auto& output : spec.outputs) writer.add_string(2, output);
  writer.add_string(3, spec.outputs[0] + "_node");
  writer.add_string(4, spec.op);
  for (const auto& attribute : spec.attributes) writer.add_message(5, attribute);
  if (!spec.domain.empty()) writer.add_string(7, spec.domain);
  return node;
}

struct GraphSpec {
  std::vector<NodeSpec> nodes;
  std::vector<std::string> inputs;        // ValueInfo bytes
  std::vector<std::string> outputs;       // names
  std::vector<std::string> initializers;  // TensorProto bytes
};

std::string GraphBytes(const GraphSpec& spec) {
  std::string graph;
  pbf_writer writer(graph);
  for (const NodeSpec& node : spec.nodes) writer.add_message(1, NodeBytes(node));
  for (const auto& initializer : spec.initializers) writer.add_message(5, initializer);
  for (const auto& input : spec.inputs) writer.add_message(11, input);
  for (const auto& output : spec.outputs) {
    std::string info;
    pbf_writer(info).add_string(1, output);
    writer.add_message(12, info);
  }
  return graph;
}

using Opsets = std::vector<std::pair<std::string, int64_t>>;

std::string ModelBytes(const GraphSpec& spec, const std::vector<std::string>& functions = {},
                       const Opsets& opsets = {{"", 17}}) {
  std::string model;
  pbf_writer writer(model);
  writer.add_int64(1, 8);
  writer.add_message(7, GraphBytes(spec));
  for (const auto& [domain, version] : opsets) {
    std::string opset;
    pbf_writer(opset).add_string(1, domain);
    pbf_writer(opset).add_int64(2, version);
    writer.add_message(8, opset);
  }
  for (const auto& function : functions) writer.add_message(25, function);
  return model;
}

std::string FloatTensor(const std::string& name, std::vector<int64_t> dims,
                        const std::vector<float>& values) {
  std::string tensor;
  pbf_writer writer(tensor);
  writer.add_packed_int64(1, dims.begin(), dims.end());
  writer.add_int32(2, kF32);
  writer.add_string(8, name);
  writer.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return tensor;
}

std::vector<float> RunModel(const Graph& graph, const std::vector<float>& x) {
  const Tensor input = Tensor::From<float>(DType::kF32, {static_cast<int64_t>(x.size())}, x);
  const auto outputs = Interpret(graph, std::vector<Datum>{Datum::Of(input)});
  EXPECT_TRUE(outputs.ok()) << outputs.status().ToString();
  if (!outputs.ok()) return {};
  const auto values = (*outputs)[0].tensor.values<float>();
  return {values.begin(), values.end()};
}

const std::string kX = ValueInfo("x", kF32, {"2"});

TEST(ImportOnnx, SortsNodesAndDropsWhatNoOutputNeeds) {
  const auto model = ImportOnnxBytes(
      ModelBytes(
          {.nodes = {{"Neg", {"a"}, {"y"}}, {"Abs", {"x"}, {"a"}}, {"NoSuchOperator", {"x"}, {"unused"}}},
           .inputs = {kX},
           .outputs = {"y"}}),
      {}, {});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(RunModel(model->graph, {-3, 2}), (std::vector<float>{-3, -2}));
  EXPECT_EQ(model->graph.nodes[0].sources, std::vector<std::string>{"Abs 'a_node'"});
}

TEST(ImportOnnx, ListsEveryUnsupportedNode) {
  const auto model = ImportOnnxBytes(ModelBytes({.nodes = {{"Foo", {"x"}, {"a"}, {}, "com.acme"},
                                                           {"Neg", {"a"}, {"b"}},
                                                           {"Bar", {"b", "x"}, {"y"}}},
                                                 .inputs = {kX},
                                                 .outputs = {"y"}}),
                                     {}, {});
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().code(), Code::kUnsupported);
  EXPECT_THAT(model.status().message(), HasSubstr("2 nodes of this model cannot be read"));
  EXPECT_THAT(model.status().message(), HasSubstr("'a_node': com.acme.Foo (opset 1) on (f32[2])"));
  EXPECT_THAT(model.status().message(), HasSubstr("'y_node': Bar (opset 17) on ("));
}

TEST(ImportOnnx, EveryDomainHasItsOwnVersion) {
  const Opsets opsets = {{"ai.onnx", 13}, {"ai.onnx.ml", 3}, {"ai.onnx.preview", 2}, {"com.microsoft", 1}};
  const auto import = [&](std::vector<NodeSpec> nodes) {
    return ImportOnnxBytes(
        ModelBytes({.nodes = std::move(nodes), .inputs = {kX}, .outputs = {"y"}}, {}, opsets), {}, {});
  };
  const auto model = import({{"Neg", {"x"}, {"a"}, {}, "ai.onnx"},
                             {"Abs", {"a"}, {"b"}},
                             {"FastGelu", {"b"}, {"y"}, {}, "com.microsoft"}});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const std::string text = import({{"A", {"x"}, {"a"}},
                                   {"B", {"a"}, {"b"}, {}, "ai.onnx"},
                                   {"C", {"b"}, {"c"}, {}, "ai.onnx.ml"},
                                   {"D", {"c"}, {"d"}, {}, "ai.onnx.preview"},
                                   {"E", {"d"}, {"y"}, {}, "com.microsoft"}})
                               .status()
                               .message();
  for (const char* part : {": A (opset 13)", ": B (opset 13)", ": ai.onnx.ml.C (opset 3)",
                           ": ai.onnx.preview.D (opset 2)", ": com.microsoft.E (opset 1)"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(ImportOnnx, NamesCyclesDuplicatesAndMissingValues) {
  const auto error = [](std::vector<NodeSpec> nodes) {
    return ImportOnnxBytes(ModelBytes({.nodes = std::move(nodes), .inputs = {kX}, .outputs = {"y"}}), {}, {})
        .status()
        .message();
  };
  EXPECT_EQ(error({{"Add", {"x", "b"}, {"y"}}, {"Neg", {"y"}, {"b"}}}),
            "the graph has a cycle: Add 'y_node' -> Neg 'b_node' -> Add 'y_node'");
  EXPECT_EQ(error({{"Neg", {"x"}, {"y"}}, {"Abs", {"x"}, {"y"}}}),
            "value 'y' is made twice: by Neg 'y_node' and by Abs 'y_node'");
  EXPECT_EQ(error({{"Neg", {"z"}, {"y"}}}), "Neg 'y_node': value 'z' is read, but nothing makes it");
  EXPECT_EQ(error({{"Neg", {"x"}, {"y"}}, {"Abs", {"y"}, {"x"}}}), "");
}

// PyTorch wrote such a model; onnxruntime runs it, and reads the last.
TEST(ImportOnnx, OfTwoConstantsOfOneNameTheLastCounts) {
  const std::vector<NodeSpec> nodes = {{"Constant", {}, {"c"}, {IntAttribute("value_int", 2)}},
                                       {"Neg", {"c"}, {"y"}},
                                       {"Constant", {}, {"c"}, {IntAttribute("value_int", 5)}}};
  const auto model = ImportOnnxBytes(ModelBytes({.nodes = nodes, .inputs = {kX}, .outputs = {"y"}}), {}, {});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const Node& negative = model->graph.nodes.back();
  EXPECT_EQ(model->graph.value(negative.inputs[0]).data.as<int64_t>()[0], 5);
}

TEST(ImportOnnx, InlinesFunctionsWithAttributesOfTheCall) {
  std::string reference;
  pbf_writer reference_writer(reference);
  reference_writer.add_string(1, "axis");
  reference_writer.add_string(21, "where");
  reference_writer.add_int32(20, 2);
  std::string function;
  pbf_writer writer(function);
  writer.add_string(1, "Twice");
  writer.add_string(4, "p");
  writer.add_string(5, "q");
  writer.add_string(6, "where");
  writer.add_message(7, NodeBytes({"Concat", {"p", "p"}, {"q"}, {reference}}));
  writer.add_string(10, "local");
  const auto model =
      ImportOnnxBytes(ModelBytes({.nodes = {{"Twice", {"x"}, {"y"}, {IntAttribute("where", 0)}, "local"}},
                                  .inputs = {kX},
                                  .outputs = {"y"}},
                                 {function}),
                      {}, {});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(RunModel(model->graph, {1, 2}), (std::vector<float>{1, 2, 1, 2}));
  EXPECT_EQ(model->graph.nodes[0].name, "y_node/q_node");
}

TEST(ImportOnnx, RefusesFunctionsThatCallThemselves) {
  std::string function;
  pbf_writer writer(function);
  writer.add_string(1, "Loop");
  writer.add_string(4, "p");
  writer.add_string(5, "q");
  writer.add_message(7, NodeBytes({"Loop", {"p"}, {"q"}, {}, "local"}));
  writer.add_string(10, "local");
  const auto model = ImportOnnxBytes(
      ModelBytes({.nodes = {{"Loop", {"x"}, {"y"}, {}, "local"}}, .inputs = {kX}, .outputs = {"y"}},
                 {function}),
      {}, {});
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.status().message(), HasSubstr("call each other more than 32 deep"));
}

TEST(ImportOnnx, RefusesDeepNesting) {
  std::string graph = GraphBytes({.nodes = {{"Neg", {"x"}, {"y"}}}, .outputs = {"y"}});
  for (int i = 0; i < 40; ++i) {
    graph = GraphBytes(
        {.nodes = {{"If", {"c"}, {"y"}, {GraphAttribute("then_branch", graph)}}}, .outputs = {"y"}});
  }
  std::string model;
  pbf_writer writer(model);
  writer.add_int64(1, 8);
  writer.add_message(7, graph);
  EXPECT_EQ(ImportOnnxBytes(model, {}, {}).status().message(), "sub-graphs are nested more than 32 deep");
}

TEST(ImportOnnx, CutsAtAnyValueAndResolvesDimensions) {
  const std::string bytes =
      ModelBytes({.nodes = {{"Neg", {"x"}, {"a"}}, {"Abs", {"a"}, {"b"}}, {"Exp", {"b"}, {"y"}}},
                  .inputs = {ValueInfo("x", kF32, {"N", "4"})},
                  .outputs = {"y"}});
  ImportOptions options;
  options.inputs = {*ParseInputCut("a[2]")};
  options.outputs = {"b"};
  const auto cut = ImportOnnxBytes(bytes, {}, options);
  ASSERT_TRUE(cut.ok()) << cut.status().ToString();
  EXPECT_EQ(cut->graph.nodes.size(), 1u);
  EXPECT_EQ(RunModel(cut->graph, {-1, 1}), (std::vector<float>{1, 1}));

  const auto sized = ImportOnnxBytes(bytes, {}, {.dims = {{"N", 3}}});
  ASSERT_TRUE(sized.ok());
  EXPECT_EQ(ToString(sized->graph.value(sized->graph.outputs[0]).type), "f32[3,4]");
  const auto misnamed = ImportOnnxBytes(bytes, {}, {.dims = {{"M", 3}}});
  EXPECT_EQ(misnamed.status().code(), Code::kUsage);
  const auto unknown = ImportOnnxBytes(bytes, {}, {.outputs = {"bb"}});
  EXPECT_THAT(unknown.status().message(), HasSubstr("did you mean 'b'"));
}

// References write what their records always give.
TEST(ImportOnnx, OutputsThatANodeLeavesOutAreComputed) {
  for (const std::vector<std::string>& outputs : {std::vector<std::string>{"y"}, {"y", ""}}) {
    const auto model =
        ImportOnnxBytes(ModelBytes({.nodes = {{"Shape", {"x"}, {"k"}}, {"TopK", {"x", "k"}, outputs}},
                                    .inputs = {kX},
                                    .outputs = {"y"}}),
                        {}, {});
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    EXPECT_EQ(RunModel(model->graph, {1, 3}), (std::vector<float>{3, 1}));
  }
}

// What scikit-learn's classifiers end with.
TEST(ImportOnnx, LeavesZipMapOutAndSaysTheClasses) {
  const auto model = [](const std::vector<std::string>& classes) {
    std::string labels;
    pbf_writer writer(labels);
    writer.add_string(1, "classlabels_strings");
    for (const auto& each : classes) writer.add_string(9, each);
    writer.add_int32(20, 8);
    GraphSpec spec;
    spec.nodes = {{"Softmax", {"x"}, {"scores"}},
                  {"ZipMap", {"scores"}, {"by_class"}, {labels}, "ai.onnx.ml"}};
    spec.inputs = {kX};
    spec.outputs = {"by_class"};
    return ModelBytes(spec, {}, {{"", 17}, {"ai.onnx.ml", 1}});
  };
  const auto imported = ImportOnnxBytes(model({"cat", "dog"}), {}, {});
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(imported->graph.value(imported->graph.outputs[0]).name, "by_class");
  EXPECT_EQ(RunModel(imported->graph, {1, 1}), (std::vector<float>{0.5f, 0.5f}));
  ASSERT_EQ(imported->notes.size(), 1u);
  EXPECT_THAT(imported->notes[0], HasSubstr("columns of which are the classes 'cat', 'dog'"));

  EXPECT_THAT(ImportOnnxBytes(model({"cat", "dog", "cow"}), {}, {}).status().message(),
              HasSubstr("names 3 classes, but its input f32[2] has 2 columns"));
  EXPECT_THAT(ImportOnnxBytes(model({}), {}, {}).status().message(),
              HasSubstr("either 'classlabels_strings' or"));
}

TEST(ReadTensorProto, ChecksSizesBeforeItAllocates) {
  onnx::TensorSource source;
  const std::string good = FloatTensor("w", {2}, {1, 2});
  ASSERT_TRUE(onnx::ReadTensorProto(good, source).ok());
  const auto huge = onnx::ReadTensorProto(FloatTensor("w", {1 << 20, 1 << 20, 1 << 20}, {1}), source);
  EXPECT_FALSE(huge.ok());
  const auto large = onnx::ReadTensorProto(FloatTensor("w", {1 << 30}, {1}), source);
  EXPECT_EQ(large.status().message(), "tensor 'w': f32[1073741824] needs 4294967296 bytes, 4 are there");
  EXPECT_FALSE(onnx::ReadTensorProto(FloatTensor("w", {-1}, {1}), source).ok());
  EXPECT_FALSE(onnx::ReadTensorProto(FloatTensor("w", {2}, {}), source).ok());
}

TEST(ReadTensorProto, LeavesLargeTensorsWhereTheyLieAlignedOrNot) {
  std::vector<float> values(size_t{2} << 20);
  values.back() = 2;
  for (const size_t offset : {0, 1, 2, 3}) {
    const std::string message = FloatTensor("w", {int64_t{2} << 20}, values);
    const auto owner = std::make_shared<std::string>(std::string(offset, ' ') + message);
    onnx::TensorSource source;
    source.owner = owner;
    const auto tensor = onnx::ReadTensorProto(std::string_view(*owner).substr(offset), source);
    ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
    const auto* bytes = static_cast<const char*>(tensor->bytes());
    EXPECT_TRUE(bytes > owner->data() && bytes < owner->data() + owner->size());
    EXPECT_TRUE(std::ranges::equal(tensor->values<float>(), values));
  }
}

TEST(ReadTensorProto, KeepsExternalDataWithinTheFolder) {
  onnx::TensorSource source;
  source.directory = testing::TempDir();
  ASSERT_TRUE(WriteFile(testing::TempDir() + "/weights.bin", std::string_view("\0\0\x80?\0\0\0@", 8)).ok());
  const auto external = [](const std::string& location, const std::string& offset) {
    std::string tensor;
    pbf_writer writer(tensor);
    writer.add_int64(1, 1);
    writer.add_int32(2, kF32);
    for (const auto& [key, value] :
         {std::pair{std::string("location"), location}, {"offset", offset}, {"length", "4"}}) {
      std::string entry;
      pbf_writer entry_writer(entry);
      entry_writer.add_string(1, key);
      entry_writer.add_string(2, value);
      writer.add_message(13, entry);
    }
    writer.add_int32(14, 1);
    return tensor;
  };
  const auto tensor = onnx::ReadTensorProto(external("weights.bin", "4"), source);
  ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
  EXPECT_EQ(tensor->as<float>()[0], 2);
  for (const char* location : {"../weights.bin", "/etc/passwd", "a/../../b", "", "missing.bin"}) {
    EXPECT_FALSE(onnx::ReadTensorProto(external(location, "0"), source).ok()) << location;
  }
  EXPECT_FALSE(onnx::ReadTensorProto(external("weights.bin", "5"), source).ok());
  EXPECT_FALSE(onnx::ReadTensorProto(external("weights.bin", "-1"), source).ok());
}

TEST(ReadTensorProto, UnpacksEveryDataType) {
  struct Case {
    int onnx_type;
    int field;
    std::vector<uint64_t> entries;
    int64_t count;
    std::string bytes;
  };
  using namespace std::string_literals;
  const Case cases[] = {
      {2, 5, {255}, 1, "\xff"s},
      {3, 5, {0xFFFFFFFFFFFFFFFFULL}, 1, "\xff"s},
      {4, 5, {0x1234}, 1, "\x34\x12"s},
      {9, 5, {7}, 1, "\x01"s},
      {10, 5, {0x3C00}, 1, "\0\x3c"s},
      {12, 11, {1}, 1, "\1\0\0\0"s},
      {13, 11, {1}, 1, "\1\0\0\0\0\0\0\0"s},
      {17, 5, {0x38}, 1, "\x38"s},
      {22, 5, {0x21, 0x03}, 3, "\x21\x03"s},
      {25, 5, {0xE4}, 4, "\xE4"s},
  };
  onnx::TensorSource source;
  for (const Case& each : cases) {
    std::string bytes;
    pbf_writer writer(bytes);
    writer.add_int64(1, each.count);
    writer.add_int32(2, each.onnx_type);
    writer.add_packed_uint64(each.field, each.entries.begin(), each.entries.end());
    const auto tensor = onnx::ReadTensorProto(bytes, source);
    ASSERT_TRUE(tensor.ok()) << each.onnx_type << ": " << tensor.status().ToString();
    EXPECT_EQ(std::string(tensor->as<char>(), static_cast<size_t>(tensor->size_bytes())), each.bytes)
        << each.onnx_type;
  }
}

}  // namespace
}  // namespace slipway
