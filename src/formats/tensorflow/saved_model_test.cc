#include "formats/tensorflow/saved_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "formats/tensorflow/checkpoint/test_table.h"
#include "formats/tensorflow/test_graph.h"
#include "ops/run.h"

namespace slipway::tensorflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A message of fields that are messages or strings, by number.
std::string Message(const std::vector<std::pair<uint32_t, std::string>>& fields) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  for (const auto& [number, value] : fields) writer.add_bytes(number, value);
  return bytes;
}

std::string Enum(uint32_t number, int value) {
  std::string bytes;
  protozero::pbf_writer(bytes).add_enum(number, value);
  return bytes;
}

std::string StringsProto(const std::vector<std::string>& texts) {
  std::string values;
  protozero::pbf_writer writer(values);
  for (const std::string& text : texts) writer.add_bytes(8, text);
  return Message({{8, TensorProto(7, {static_cast<int64_t>(texts.size())}, values)}});
}

// TensorInfo of f32.
std::string Port(const std::string& tensor, const std::vector<int64_t>& dims) {
  return Message({{1, tensor}}) + Enum(2, 1) + Message({{3, ShapeProto(dims)}});
}

using Ports = std::vector<std::pair<std::string, std::string>>;

std::string SignatureProto(const std::string& name, const Ports& inputs, const Ports& outputs) {
  std::string signature;
  for (const auto& [key, port] : inputs) signature += Message({{1, Message({{1, key}, {2, port}})}});
  for (const auto& [key, port] : outputs) signature += Message({{2, Message({{1, key}, {2, port}})}});
  return Message({{5, Message({{1, name}, {2, signature}})}});
}

std::string Variable(const std::string& op, const std::string& name, const std::string& shared_name) {
  return NodeProto(name, op, {}, {{"dtype", Enum(6, 1)}, {"shared_name", Message({{2, shared_name}})}});
}

// x -> block(x, variables) = Relu(x) * scale + shift; scale has a restore operator, shift only its name.
// OpDef's arguments are messages of a name.
std::string GraphOfModel() {
  const auto arg = [](const std::string& name) { return Message({{1, name}}); };
  const std::string signature =
      Message({{1, "block"}, {2, arg("x")}, {2, arg("scale")}, {2, arg("shift")}, {3, arg("y")}});
  const std::string function =
      Message({{1, signature},
               {3, NodeProto("relu", "Relu", {"x"}, {})},
               {3, NodeProto("read", "ReadVariableOp", {"scale"}, {})},
               {3, NodeProto("mul", "Mul", {"relu:activations:0", "read:value:0"}, {})},
               {3, NodeProto("read2", "ReadVariableOp", {"shift"}, {})},
               {3, NodeProto("add", "AddV2", {"mul:z:0", "read2:value:0"}, {})},
               {4, Message({{1, "y"}, {2, "add:z:0"}})}});
  const std::string nodes =
      GraphProto({NodeProto("feed", "Placeholder", {}, {{"dtype", Enum(6, 1)}}),
                  Variable("VarHandleOp", "v1", "scale"), Variable("VarHandleOp", "v2", "shift"),
                  NodeProto("call", "StatefulPartitionedCall", {"feed", "v1", "v2"},
                            {{"f", Message({{10, Message({{1, "block"}})}})}}),
                  NodeProto("path", "Const", {}, {}),
                  NodeProto("names", "Const", {}, {{"value", StringsProto({"other", "key/of/scale"})}}),
                  NodeProto("slices", "Const", {}, {{"value", StringsProto({"", ""})}}),
                  NodeProto("read", "RestoreV2", {"path", "names", "slices"}, {}),
                  NodeProto("value", "Identity", {"read:1"}, {}),
                  NodeProto("assign", "AssignVariableOp", {"v1", "value"}, {}),
                  NodeProto("restore", "NoOp", {"^assign"}, {})});
  return nodes + Message({{2, Message({{1, function}})}});
}

std::string MetaGraph(const std::string& tag, const std::string& signatures) {
  return Message(
      {{2, Message({{1, Message({{4, tag}})}, {2, GraphOfModel()}, {3, Message({{3, "restore"}})}}) +
               signatures}});
}

std::string Model(const std::string& signatures, const std::string& tag = "serve") {
  return std::string("\x08\x01", 2) + MetaGraph(tag, signatures);
}

const std::string kDefault =
    SignatureProto("serving_default", {{"in", Port("feed:0", {-1, 2})}}, {{"out", Port("call:0", {-1, 2})}});

TestCheckpoint Variables() {
  TestCheckpoint file;
  file.entries["key/of/scale"] = file.Put(1, FloatTensor({2}, {2, 3}));
  file.entries["shift"] = file.Put(1, FloatTensor({2}, {10, 20}));
  return file;
}

Result<ImportedModel> Import(const std::string& bytes, const std::string& signature = "") {
  const TestCheckpoint file = Variables();
  const auto checkpoint = file.Read();
  ImportOptions options;
  options.signature = signature;
  return ImportSavedModel(BytesOf(bytes), nullptr, &*checkpoint, options);
}

TEST(SavedModel, PortsHaveTheSignaturesNames) {
  const auto model = Import(Model(kDefault));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = model->graph;
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "in");
  EXPECT_EQ(ToString(graph.value(graph.inputs[0]).type), "f32[batch,2]");
  ASSERT_EQ(graph.outputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "out");
  EXPECT_EQ(model->format, "savedmodel");
}

TEST(SavedModel, VariablesComeFromTheCheckpoint) {
  const auto model = Import(Model(kDefault));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const std::vector<Datum> inputs = {Datum::Of(FloatTensor({1, 2}, {-1, 4}))};
  const auto results = Interpret(model->graph, inputs);
  ASSERT_TRUE(results.ok()) << results.status().message();
  const Tensor& y = results->at(0).tensor;
  EXPECT_THAT(std::vector<float>(y.as<float>(), y.as<float>() + y.count()), ElementsAre(10, 32));
}

TEST(SavedModel, AMissingVariableIsNamed) {
  const auto without = ImportSavedModel(BytesOf(Model(kDefault)), nullptr, nullptr, {});
  EXPECT_THAT(without.status().message(), HasSubstr("variable 'v"));
  EXPECT_THAT(without.status().hint(), HasSubstr("'variables' of the SavedModel is missing"));
  TestCheckpoint file = Variables();
  file.entries.erase("shift");
  const auto checkpoint = file.Read();
  const auto partly = ImportSavedModel(BytesOf(Model(kDefault)), nullptr, &*checkpoint, {});
  EXPECT_THAT(partly.status().message(), HasSubstr("variable 'v2' is not in the model's checkpoint"));
}

TEST(SavedModel, SignaturesAreChosen) {
  const Ports in = {{"in", Port("feed:0", {-1, 2})}};
  const std::string a = SignatureProto("first", in, {{"out", Port("call:0", {})}});
  const std::string b = SignatureProto("second", in, {{"relu", Port("call/relu:0", {})}});
  EXPECT_TRUE(Import(Model(a)).ok()) << "the only one";
  EXPECT_TRUE(Import(Model(a + SignatureProto("__saved_model_init_op", {}, {}))).ok());
  const auto neither = Import(Model(a + b));
  EXPECT_EQ(neither.status().code(), Code::kUsage);
  EXPECT_THAT(neither.status().hint(), HasSubstr("'first', 'second'"));
  const auto unknown = Import(Model(a + b), "secund");
  EXPECT_EQ(unknown.status().code(), Code::kUsage);
  EXPECT_THAT(unknown.status().message(), HasSubstr("did you mean 'second'"));
  const auto first = Import(Model(a + b), "first");
  ASSERT_TRUE(first.ok()) << first.status().message();
}

TEST(SavedModel, TheGraphForServingIsTaken) {
  const std::string train = MetaGraph("train", "");
  EXPECT_TRUE(Import(std::string("\x08\x01", 2) + train + MetaGraph("serve", kDefault)).ok());
  const auto neither = Import(std::string("\x08\x01", 2) + train + MetaGraph("eval", kDefault));
  EXPECT_EQ(neither.status().code(), Code::kUnsupported);
  EXPECT_THAT(neither.status().message(), HasSubstr("('train'), ('eval')"));
  EXPECT_TRUE(Import(Model(kDefault, "eval")).ok()) << "the only one";
}

TEST(SavedModel, DamageIsNamed) {
  const std::string good = Model(kDefault);
  EXPECT_THAT(Import(good.substr(0, good.size() / 2)).status().message(), HasSubstr("cut short"));
  EXPECT_THAT(Import("\x08\x01").status().message(), HasSubstr("holds no graph"));
}

TEST(SavedModel, FuzzSeedsAreImported) {
  for (const char* name : {"loop_with_branch", "early_stop", "growing_shape"}) {
    const auto bytes = ReadFile(std::string(SLIPWAY_SOURCE_DIR "/fuzz/seeds/savedmodel/") + name);
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    const auto model = ImportSavedModel(BytesOf(*bytes), nullptr, nullptr, {});
    EXPECT_TRUE(model.ok()) << name << ": " << model.status().message();
  }
}

}  // namespace
}  // namespace slipway::tensorflow
