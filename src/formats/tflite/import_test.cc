#include "formats/tflite/import.h"

#include <flatbuffers/flexbuffers.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/scalar.h"
#include "formats/tflite/options.h"
#include "formats/tflite/test_model.h"
#include "ops/run.h"

namespace slipway {
namespace {

using testing::HasSubstr;
using tflite::TestModel;
namespace fb = tflite::fb;

Result<ImportedModel> Import(const std::vector<uint8_t>& bytes, const ImportOptions& options = {}) {
  auto copy = std::make_shared<const std::vector<uint8_t>>(bytes);
  return ImportTflite({copy->data(), copy->size()}, copy, options);
}

std::vector<float> RunOn(const Graph& graph, const std::vector<float>& input) {
  const Tensor tensor = Tensor::From<float>(DType::kF32, {static_cast<int64_t>(input.size())}, input);
  const auto outputs = Interpret(graph, std::vector<Datum>{Datum::Of(tensor)});
  EXPECT_TRUE(outputs.ok()) << outputs.status().ToString();
  if (!outputs.ok()) return {};
  const auto values = (*outputs)[0].tensor.values<float>();
  return {values.begin(), values.end()};
}

// x[3] + constant -> relu6.
std::vector<uint8_t> AddModel() {
  TestModel model;
  const uint32_t add = model.AddCode(fb::BuiltinOperator::ADD);
  const int x = model.AddTensor("x", {3});
  const int c = model.AddTensor("c", {3}, fb::TensorType::FLOAT32, model.AddBuffer<float>({1, 2, -3}));
  const int y = model.AddTensor("y", {3});
  const auto options = fb::CreateAddOptions(model.builder(), fb::ActivationFunctionType::RELU6);
  model.AddOperator(add, {x, c}, {y}, fb::BuiltinOptions::AddOptions, options.Union());
  model.EndSubGraph({x}, {y});
  return model.Finish();
}

TEST(ImportTflite, KeepsNamesOptionsAndProvenance) {
  const auto model = Import(AddModel());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const Graph& graph = model->graph;
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].op, "Add");
  EXPECT_EQ(graph.nodes[0].attrs.String("activation"), "relu6");
  EXPECT_EQ(graph.nodes[0].sources, std::vector<std::string>{"ADD 'y'"});
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "x");
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
  EXPECT_EQ(ToString(graph.value(graph.outputs[0]).type), "f32[3]");
  EXPECT_EQ(RunOn(graph, {1, 10, 1}), (std::vector<float>{2, 6, 0}));
}

TEST(ImportTflite, HalfWeightsBehindDequantizeAreConstants) {
  TestModel model;
  const uint32_t dequantize = model.AddCode(fb::BuiltinOperator::DEQUANTIZE);
  const uint32_t add = model.AddCode(fb::BuiltinOperator::ADD);
  const int half =
      model.AddTensor("half", {2}, fb::TensorType::FLOAT16, model.AddBuffer<uint16_t>({0x3C00, 0xC000}));
  const int wide = model.AddTensor("wide", {2});
  const int x = model.AddTensor("x", {2});
  const int y = model.AddTensor("y", {2});
  model.AddOperator(dequantize, {half}, {wide});
  model.AddOperator(add, {x, wide}, {y});
  model.EndSubGraph({x}, {y});
  const auto imported = Import(model.Finish());
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(imported->graph.nodes.size(), 1u);
  EXPECT_EQ(RunOn(imported->graph, {10, 10}), (std::vector<float>{11, 8}));
}

TEST(ImportTflite, BuffersBehindTheTablesAreRead) {
  TestModel model;
  const uint32_t add = model.AddCode(fb::BuiltinOperator::ADD);
  const int x = model.AddTensor("x", {2});
  const int c = model.AddTensor("c", {2}, fb::TensorType::FLOAT32, model.AddFarBuffer(4096, 8));
  const int y = model.AddTensor("y", {2});
  model.AddOperator(add, {x, c}, {y});
  model.EndSubGraph({x}, {y});
  std::vector<uint8_t> bytes = model.Finish();
  EXPECT_THAT(Import(bytes).status().message(), HasSubstr("buffer 1 lies at bytes 4096 to 4104"));
  bytes.resize(4104);
  const float values[] = {0.5, -0.5};
  std::memcpy(bytes.data() + 4096, values, sizeof(values));
  const auto imported = Import(bytes);
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(RunOn(imported->graph, {1, 1}), (std::vector<float>{1.5, 0.5}));
}

// The 2 x 4 matrix [[0, 5, 0, 6], [0, 0, 7, 0]], rows dense, columns compressed.
std::vector<uint8_t> SparseModel(const std::vector<int32_t>& segments, const std::vector<int32_t>& indices) {
  TestModel model;
  auto& builder = model.builder();
  const auto segment_vector = fb::CreateInt32Vector(builder, builder.CreateVector(segments));
  const auto index_vector = fb::CreateInt32Vector(builder, builder.CreateVector(indices));
  const std::vector<flatbuffers::Offset<fb::DimensionMetadata>> levels = {
      fb::CreateDimensionMetadata(builder, fb::DimensionType::DENSE, 2),
      fb::CreateDimensionMetadata(builder, fb::DimensionType::SPARSE_CSR, 0,
                                  fb::SparseIndexVector::Int32Vector, segment_vector.Union(),
                                  fb::SparseIndexVector::Int32Vector, index_vector.Union())};
  const auto order = builder.CreateVector(std::vector<int32_t>{0, 1});
  const auto sparsity = fb::CreateSparsityParameters(builder, order, 0, builder.CreateVector(levels));
  const uint32_t densify = model.AddCode(fb::BuiltinOperator::DENSIFY);
  const uint32_t add = model.AddCode(fb::BuiltinOperator::ADD);
  const int stored =
      model.AddTensor("stored", {2, 4}, fb::TensorType::FLOAT32, model.AddBuffer<float>({5, 6, 7}), sparsity);
  const int dense = model.AddTensor("dense", {2, 4});
  const int x = model.AddTensor("x", {4});
  const int y = model.AddTensor("y", {2, 4});
  model.AddOperator(densify, {stored}, {dense});
  model.AddOperator(add, {x, dense}, {y});
  model.EndSubGraph({x}, {y});
  return model.Finish();
}

TEST(ImportTflite, SparseWeightsBecomeDense) {
  const auto imported = Import(SparseModel({0, 2, 3}, {1, 3, 2}));
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(RunOn(imported->graph, {0, 0, 0, 0}), (std::vector<float>{0, 5, 0, 6, 0, 0, 7, 0}));
}

TEST(ImportTflite, BrokenSparsityIsRefused) {
  EXPECT_THAT(Import(SparseModel({0, 2, 4}, {1, 3, 2})).status().message(),
              HasSubstr("segment out of range"));
  EXPECT_THAT(Import(SparseModel({0, 2, 3}, {1, 4, 2})).status().message(), HasSubstr("index out of range"));
  EXPECT_THAT(Import(SparseModel({0, 2}, {1, 3, 2})).status().message(), HasSubstr("too few segments"));
  EXPECT_THAT(Import(SparseModel({0, 2, 4}, {1, 3, 2, 3})).status().message(), HasSubstr("fewer values"));
}

TEST(ImportTflite, CutsGoBetweenAnyTensors) {
  TestModel model;
  const uint32_t add = model.AddCode(fb::BuiltinOperator::ADD);
  const uint32_t unknown = model.AddCode(fb::BuiltinOperator::CUSTOM, "Mystery");
  const int x = model.AddTensor("x", {2});
  const int m = model.AddTensor("m", {2});
  const int y = model.AddTensor("y", {2});
  const int z = model.AddTensor("z", {2});
  model.AddOperator(unknown, {x}, {m});
  model.AddOperator(add, {m, m}, {y});
  model.AddOperator(unknown, {y}, {z});
  model.EndSubGraph({x}, {z});
  ImportOptions options;
  options.inputs = {{"m", DimList{4}}};
  options.outputs = {"y"};
  const auto imported = Import(model.Finish(), options);
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(RunOn(imported->graph, {1, 2, 3, 4}), (std::vector<float>{2, 4, 6, 8}));
}

TEST(ImportTflite, AllUnsupportedOperatorsAreListed) {
  TestModel model;
  const uint32_t one = model.AddCode(fb::BuiltinOperator::CUSTOM, "Mystery");
  const uint32_t two = model.AddCode(fb::BuiltinOperator::CONCAT_EMBEDDINGS);
  const int x = model.AddTensor("x", {2});
  const int m = model.AddTensor("m", {2});
  const int y = model.AddTensor("y", {2});
  model.AddOperator(one, {x}, {m});
  model.AddOperator(two, {m}, {y});
  model.EndSubGraph({x}, {y});
  const Status status = Import(model.Finish()).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("2 nodes"));
  EXPECT_THAT(status.message(), HasSubstr("Mystery (version 1)"));
  EXPECT_THAT(status.message(), HasSubstr("CONCAT_EMBEDDINGS (version 1)"));
}

// x -> ADD(x, input) with the numbers under test put in.
std::vector<uint8_t> Broken(const std::vector<int32_t>& shape, uint32_t buffer_or_far, int reads,
                            uint32_t opcode, uint32_t version = 3) {
  TestModel model;
  model.AddCode(fb::BuiltinOperator::ADD);
  model.AddBuffer<float>({1, 2});
  model.AddTensor("x", {2});
  model.AddTensor("c", shape, fb::TensorType::FLOAT32, buffer_or_far);
  model.AddTensor("y", {2});
  model.AddOperator(opcode, {0, reads}, {2});
  model.EndSubGraph({0}, {2});
  return model.Finish(version);
}

TEST(ImportTflite, HostileNumbersAreRefused) {
  ASSERT_TRUE(Import(Broken({2}, 1, 1, 0)).ok());
  const std::pair<std::vector<uint8_t>, const char*> cases[] = {
      {Broken({2}, 1, 1, 0, 2), "schema version 2"},
      {Broken({3}, 1, 1, 0), "tensor 'c' of f32[3] needs 12 bytes, its buffer has 8"},
      {Broken({-2}, 1, 1, 0), "tensor 'c'"},
      {Broken({2147483647, 2147483647, 2147483647}, 1, 1, 0), "tensor 'c'"},
      {Broken({2}, 77, 1, 0), "buffer 77 is missing"},
      {Broken({2}, 0, 1, 0), "which nothing computes"},
      {Broken({2}, 1, 9, 0), "reads tensor 9 of 3"},
      {Broken({2}, 1, -7, 0), "reads tensor -7"},
      {Broken({2}, 1, 2, 0), "which nothing computes"},
      {Broken({2}, 1, 1, 5), "has code 5 of 1"}};
  for (const auto& [bytes, message] : cases) {
    const Status status = Import(bytes).status();
    EXPECT_EQ(status.code(), Code::kInvalidModel);
    EXPECT_THAT(status.message(), HasSubstr(message));
  }
}

// Nothing of a variable stands in the file: a few bytes can ask for any amount of memory.
TEST(ImportTflite, VariablesTogetherAreBounded) {
  const auto import = [](int32_t rows) {
    TestModel model;
    const int a = model.AddVariable("a", {16});
    const int b = model.AddVariable("b", {rows, 16});
    const int y = model.AddTensor("y", {rows, 16});
    model.AddOperator(model.AddCode(fb::BuiltinOperator::MUL), {a, b}, {y});
    model.EndSubGraph({}, {y});
    return Import(model.Finish());
  };
  EXPECT_TRUE(import(1).ok());
  EXPECT_THAT(import(1 << 24).status().message(),
              HasSubstr("variable 'b' takes 1073741824 bytes, those before it 64; all variables "
                        "together may take 1073741824"));
}

// Records write all of their results.
TEST(ImportTflite, ResultsThatTheFileLeavesOutAreComputed) {
  for (const std::vector<int32_t>& kept : {std::vector<int32_t>{-1, 3}, std::vector<int32_t>{3}}) {
    TestModel model;
    const uint32_t code = model.AddCode(fb::BuiltinOperator::TOPK_V2);
    const int x = model.AddTensor("x", {3});
    const int k = model.AddTensor("k", {}, fb::TensorType::INT32, model.AddBuffer<int32_t>({2}));
    model.AddTensor("unused", {2});
    const bool has_indices = kept.size() == 2;
    const int y = model.AddTensor("y", {2}, has_indices ? fb::TensorType::INT32 : fb::TensorType::FLOAT32);
    model.AddOperator(code, {x, k}, kept);
    model.EndSubGraph({x}, {y});
    const auto imported = Import(model.Finish());
    ASSERT_TRUE(imported.ok()) << imported.status().ToString();
    const std::vector<float> values = {1, 3, 2};
    const std::vector<Datum> inputs = {Datum::Of(Tensor::From<float>(DType::kF32, {3}, values))};
    const auto outputs = Interpret(imported->graph, inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
    const Tensor& got = (*outputs)[0].tensor;
    EXPECT_EQ(LoadReal(got.dtype(), got.data(), 0), has_indices ? 1 : 3);
  }
}

TEST(ImportTflite, OperatorsWithoutInputsAreRefused) {
  for (const auto op : {fb::BuiltinOperator::NON_MAX_SUPPRESSION_V5, fb::BuiltinOperator::UNIQUE,
                        fb::BuiltinOperator::ADD, fb::BuiltinOperator::CONCATENATION}) {
    TestModel model;
    const uint32_t code = model.AddCode(op);
    const int y = model.AddTensor("y", {2});
    model.AddOperator(code, {}, {y});
    model.EndSubGraph({}, {y});
    EXPECT_FALSE(Import(model.Finish()).ok()) << fb::EnumNameBuiltinOperator(op);
  }
}

TEST(ImportTflite, SubGraphsThatCallThemselvesAreRefused) {
  TestModel model;
  const uint32_t loop = model.AddCode(fb::BuiltinOperator::WHILE);
  const int x = model.AddTensor("x", {2});
  const int y = model.AddTensor("y", {2});
  const auto options = fb::CreateWhileOptions(model.builder(), 0, 0);
  model.AddOperator(loop, {x}, {y}, fb::BuiltinOptions::WhileOptions, options.Union());
  model.EndSubGraph({x}, {y});
  EXPECT_THAT(Import(model.Finish()).status().message(), HasSubstr("calls itself"));
}

TEST(ImportTflite, EveryTruncationIsRefused) {
  const std::vector<uint8_t> whole = AddModel();
  for (size_t size = 0; size + 4 < whole.size(); size += 1) {
    const auto imported = Import({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_FALSE(imported.ok()) << size << " of " << whole.size() << " bytes";
  }
}

TEST(ImportTflite, FlippedBytesNeverCrash) {
  const std::vector<uint8_t> models[] = {AddModel(), SparseModel({0, 2, 3}, {1, 3, 2})};
  std::mt19937 random(1);
  for (int round = 0; round < 4000; ++round) {
    std::vector<uint8_t> bytes = models[round % 2];
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    const auto imported = Import(bytes);
    EXPECT_EQ(imported.ok(), imported.status().message().empty());
  }
}

TEST(TfliteOptions, DefaultsAndEnumsComeByName) {
  const Attrs attrs = tflite::DefaultOptions("Conv2DOptions");
  EXPECT_EQ(attrs.String("padding"), "SAME");
  EXPECT_EQ(attrs.Int("dilation_w_factor"), 1);
  EXPECT_EQ(attrs.String("fused_activation_function"), "NONE");
  EXPECT_EQ(attrs.Type("quantized_bias_type"), DType::kF32);
}

TEST(TfliteOptions, FlexBufferMapsBecomeAttributes) {
  flexbuffers::Builder builder;
  builder.Map([&] {
    builder.Int("max_detections", 10);
    builder.Float("nms_iou_threshold", 0.5f);
    builder.Bool("use_regular_nms", true);
    builder.Vector("sizes", [&] {
      builder.Int(3);
      builder.Int(4);
    });
  });
  builder.Finish();
  const std::vector<uint8_t>& bytes = builder.GetBuffer();
  const Attrs attrs = tflite::DecodeCustomOptions(bytes);
  EXPECT_EQ(attrs.Int("max_detections"), 10);
  EXPECT_EQ(attrs.Float("nms_iou_threshold"), 0.5f);
  EXPECT_EQ(attrs.Int("use_regular_nms"), 1);
  EXPECT_EQ(attrs.IntList("sizes"), (Ints{3, 4}));
  const uint8_t garbage[] = {1, 2, 3, 255};
  EXPECT_EQ(tflite::DecodeCustomOptions(garbage).String("custom_options").size(), 4u);
}

}  // namespace
}  // namespace slipway
