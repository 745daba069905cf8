// Foreign nodes that plugins claim, and nodes that wait for their plugin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/dynamic_ops.h"
#include "ops/verify.h"
#include "plan/slip.h"
#include "plugin/testing.h"

namespace slipway {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// y = factor * x; channels first.
bool HasScale() {
  static const Status status = [] {
    plugin::Description description = LambdaPlugin::Description("test.Scale");
    description.inputs[0].layout = plugin::Layout::kChannelsFirst;
    description.outputs[0].layout = plugin::Layout::kChannelsFirst;
    description.attrs = {plugin::FloatAttr("factor", 1),
                         plugin::OptionalAttr("axes", plugin::AttrKind::kInts)};
    description.claims = {plugin::Onnx("com.acme", "Scale", 1, 3), plugin::Tflite("AcmeScale"),
                          plugin::Tensorflow("AcmeScale"), plugin::Caffe("AcmeScale")};
    class Scale : public Plugin {
     public:
      explicit Scale(plugin::Description description) : description_(std::move(description)) {}
      plugin::Description Describe() const override { return description_; }
      void Infer(plugin::InferCall& call) const override { call.SetOutput(0, call.input(0)); }
      std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override {
        class Kernel : public PluginKernel {
         public:
          explicit Kernel(float factor) : factor_(factor) {}
          void Run(plugin::RunCall& call) const override {
            const auto x = call.in(0).values<const float>();
            for (size_t i = 0; i < x.size(); ++i) call.out(0).values<float>()[i] = factor_ * x[i];
          }

         private:
          float factor_;
        };
        return std::make_unique<Kernel>(node.Float("factor"));
      }

     private:
      plugin::Description description_;
    };
    return RegisterPlugin(std::make_unique<Scale>(std::move(description)));
  }();
  return status.ok();
}

ForeignNode Foreign(Format format, const std::string& op, Attrs attrs) {
  ForeignNode node;
  node.format = format;
  node.op = op;
  node.domain = format == Format::kOnnx ? "com.acme" : "";
  node.name = "s";
  node.attrs = std::move(attrs);
  node.outputs = {{"y", {}, {}, {}}};
  return node;
}

// A graph of that one node on x.
Result<Graph> Import(ForeignNode node, const Type& x, bool is_kept = false) {
  Graph graph;
  GraphBuilder builder(graph);
  node.inputs = {builder.Input("x", x)};
  SLIPWAY_ASSIGN_OR_RETURN(graph.outputs, is_kept ? ImportCustom(node, builder) : ImportNode(node, builder));
  return graph;
}

const Type kImage = Type::Of(DType::kF32, {Dim::Symbol("N"), 2, 2, 3});

std::vector<std::string> OpsOf(const Result<Graph>& graph) {
  if (!graph.ok()) return {graph.status().ToString()};
  std::vector<std::string> ops;
  for (const Node& node : graph->nodes) ops.push_back(node.op);
  return ops;
}

TEST(PluginImport, ClaimedNodesBecomeThePluginsOwn) {
  ASSERT_TRUE(HasScale());
  const auto graph = Import(Foreign(Format::kOnnx, "Scale", {{"factor", 2.5F}}), kImage);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_THAT(OpsOf(graph), ElementsAre("test.Scale@1"));
  EXPECT_EQ(graph->nodes[0].attrs.Float("factor"), 2.5F);
  EXPECT_THAT(graph->nodes[0].sources, ElementsAre("Scale 's'"));
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "y");
}

TEST(PluginImport, VersionsOutsideOfTheClaimAreNotTaken) {
  ASSERT_TRUE(HasScale());
  ForeignNode node = Foreign(Format::kOnnx, "Scale", {});
  node.version = 4;
  EXPECT_THAT(Import(node, kImage).status().ToString(),
              HasSubstr("Scale 's' (onnx com.acme opset 4): not supported"));
}

TEST(PluginImport, AttributesThatThePluginLacksAreErrors) {
  ASSERT_TRUE(HasScale());
  EXPECT_THAT(Import(Foreign(Format::kOnnx, "Scale", {{"facto", 1.0F}}), kImage).status().ToString(),
              AllOf(HasSubstr("attribute 'facto' is unknown to plugin 'test.Scale' version 1 (this program)"),
                    HasSubstr("did you mean 'factor'?")));
  EXPECT_THAT(
      Import(Foreign(Format::kOnnx, "Scale", {{"factor", std::string("two")}}), kImage).status().ToString(),
      HasSubstr("attribute 'factor' is of kind string; plugin 'test.Scale' version 1 (this program) "
                "declares float"));
}

TEST(PluginImport, AttributesOfKindsThatMeanTheSameAreConverted) {
  ASSERT_TRUE(HasScale());
  const auto factor = [](Format format, const std::string& op, Attrs attrs) {
    const auto graph = Import(Foreign(format, op, std::move(attrs)), Type::Of(DType::kF32, {2}));
    return graph.ok() ? graph->nodes[0].attrs.Float("factor", -1) : -2;
  };
  EXPECT_EQ(factor(Format::kTflite, "AcmeScale", {{"factor", int64_t{3}}}), 3);
  EXPECT_EQ(
      factor(Format::kCaffe, "AcmeScale", {{"factor", std::string("1.5")}, {"axes", Strings{"1", "2"}}}),
      1.5F);
  EXPECT_EQ(factor(Format::kTensorflow, "AcmeScale", {{"T", DType::kF32}, {"_class", Strings{}}}), 1);
}

// What protobuf's text format lets stand for a number.
TEST(PluginImport, NumbersOfCaffeAreReadInEverySpelling) {
  ASSERT_TRUE(HasScale());
  const auto read = [](const std::string& name, const Attr& text) -> std::string {
    const auto graph =
        Import(Foreign(Format::kCaffe, "AcmeScale", {{name, text}}), Type::Of(DType::kF32, {2}));
    if (!graph.ok()) return "refused";
    const Attr* attr = graph->nodes[0].attrs.Find(name);
    if (const auto* number = std::get_if<float>(attr)) return std::to_string(*number);
    std::string list;
    for (int64_t each : std::get<Ints>(*attr)) list += std::to_string(each) + " ";
    return list;
  };
  const auto factor = [&](const char* text) { return read("factor", std::string(text)); };
  EXPECT_EQ(factor("1.5f"), "1.500000");
  EXPECT_EQ(factor("-2e1"), "-20.000000");
  EXPECT_EQ(factor(".5F"), "0.500000");
  EXPECT_EQ(factor("1e-60"), "0.000000");
  EXPECT_EQ(factor("inf"), "inf");
  EXPECT_EQ(factor("-Infinity"), "-inf");
  for (const char* none : {"1.5x", "", "f", "1,5", "0x", "e"}) EXPECT_EQ(factor(none), "refused") << none;
  EXPECT_EQ(read("axes", Strings{"-1", "0x1F", "017", "true", "f", "0"}), "-1 31 15 1 0 0 ");
  EXPECT_EQ(read("axes", std::string("-9223372036854775808")), "-9223372036854775808 ");
  for (const char* none : {"9223372036854775808", "1.0", "--1", "0x", "08", "-", ""})
    EXPECT_EQ(read("axes", std::string(none)), "refused") << none;
}

TEST(PluginImport, ChannelsAreMovedWhereTheFormatHasThemElsewhere) {
  ASSERT_TRUE(HasScale());
  const auto graph = Import(Foreign(Format::kTflite, "AcmeScale", {{"factor", 2.0F}}), kImage);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_THAT(OpsOf(graph), ElementsAre("Transpose", "test.Scale@1", "Transpose"));
  EXPECT_EQ(ToString(graph->value(graph->nodes[1].inputs[0]).type), "f32[N,3,2,2]");
  EXPECT_EQ(ToString(graph->value(graph->outputs[0]).type), "f32[N,2,2,3]");
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "y");
  EXPECT_EQ(RunGraph(graph, {F32({1, 2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})}),
            "f32[1,2,2,3]: 0 2 4 6 8 10 12 14 16 18 20 22");
  const auto from_tensorflow = [](const char* layout) {
    return OpsOf(
        Import(Foreign(Format::kTensorflow, "AcmeScale", {{"data_format", std::string(layout)}}), kImage));
  };
  EXPECT_THAT(from_tensorflow("NCHW"), ElementsAre("test.Scale@1"));
  EXPECT_THAT(from_tensorflow("NHWC"), ElementsAre("Transpose", "test.Scale@1", "Transpose"));
  EXPECT_THAT(OpsOf(Import(Foreign(Format::kTflite, "AcmeScale", {}), Type::OfUnknownShape(DType::kF32))),
              ElementsAre(HasSubstr("input 0 has an unknown rank")));
}

TEST(PluginWaiting, NodesAreKeptAsTheyCameAndGivenTheirPluginLater) {
  ForeignNode node = Foreign(Format::kOnnx, "Later", {{"factor", 2.0F}, {"note", std::string("kept")}});
  node.outputs[0].type = Type::Of(DType::kF32, {Dim::Symbol("N"), 2});
  auto graph = Import(node, Type::Of(DType::kF32, {Dim::Symbol("N"), 2}), true);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_THAT(OpsOf(graph), ElementsAre("custom:onnx:com.acme:Later:1"));
  EXPECT_EQ(ToString(graph->value(graph->outputs[0]).type), "f32[N,2]");
  EXPECT_THAT(WaitingNodes(*graph), ElementsAre("com.acme.Later 's'"));
  SlipModel model;
  model.graph = *graph;
  const auto file = FormatSlip(model);
  ASSERT_TRUE(file.ok());
  auto loaded = ParseSlip(std::vector<uint8_t>(file->begin(), file->end()), nullptr);
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(RunGraph(loaded->graph, {}),
            "1 node waits for its plugin:\n    com.acme.Later 's'\n  hint: give the library of a plugin that "
            "claims onnx "
            "com.acme.Later: --plugin LIBRARY.so");
  EXPECT_EQ(*GivePlugins(loaded->graph), 0);

  plugin::Description description = LambdaPlugin::Description("test.Later");
  description.attrs = {plugin::FloatAttr("factor", 1)};
  description.has_open_attrs = true;
  description.claims = {plugin::Onnx("com.acme", "Later")};
  LambdaPlugin::Functions functions;
  functions.run = [](plugin::RunCall& call) {
    for (size_t i = 0; i < 2; ++i) call.out(0).values<float>()[i] = -call.in(0).values<const float>()[i];
  };
  ASSERT_TRUE(Register(description, functions).ok());
  EXPECT_EQ(*GivePlugins(loaded->graph), 1);
  EXPECT_TRUE(VerifyGraph(loaded->graph).ok());
  EXPECT_THAT(OpsOf(loaded->graph), ElementsAre("test.Later@1"));
  EXPECT_EQ(loaded->graph.nodes[0].attrs.String("note"), "kept");
  EXPECT_EQ(RunGraph(loaded->graph, {F32({1, 2}, {1, 2})}), "f32[1,2]: -1 -2");
}

TEST(PluginWaiting, NamesAreTakenApartAsTheyWerePutTogether) {
  ForeignNode node = Foreign(Format::kTflite, "aten::relu", {});
  node.version = 2;
  const auto op = ParseCustomOp(CustomOpName(node));
  ASSERT_TRUE(op);
  EXPECT_EQ(op->format, Format::kTflite);
  EXPECT_EQ(op->domain + "|" + op->op + "|" + std::to_string(op->version), "|aten::relu|2");
  for (const char* name :
       {"custom", "custom:", "custom:onnx", "custom:onnx:a:1", "custom:onnyx:a:b:1", "custom:onnx:a:b:x"})
    EXPECT_FALSE(ParseCustomOp(name)) << name;
  for (const char* name : {"Relu", "@1", "a@", "a@-1", "a@b", "custom:onnx:a@1"})
    EXPECT_FALSE(ParsePluginOp(name)) << name;
  EXPECT_EQ(ParsePluginOp("a.B@12")->version, 12);
}

// Behind control flow too.
TEST(PluginWaiting, SubGraphsAreLookedThrough) {
  ASSERT_TRUE(HasScale());
  const Type type = Type::Of(DType::kF32, {2});
  ForeignNode waiting = Foreign(Format::kOnnx, "Scale", {{"factor", 3.0F}});
  waiting.outputs[0].type = type;
  const auto branch = std::make_shared<const Graph>(*Import(waiting, type, true));
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId flag = builder.Input("flag", Type::Of(DType::kBool, {}));
  const ValueId x = builder.Input("x", type);
  Node node{"If", "if", {flag, x}, {}, {{"then_branch", branch}, {"else_branch", branch}}, {}};
  const auto y = builder.Add(node, {{"out", {}, {}, false}});
  ASSERT_TRUE(y.ok()) << y.status().ToString();
  graph.outputs = *y;
  EXPECT_THAT(RunGraph(graph, {}), HasSubstr("2 nodes wait for their plugins"));
  EXPECT_EQ(*GivePlugins(graph), 2);
  EXPECT_EQ(
      RunGraph(graph, {Tensor::From<uint8_t>(DType::kBool, {}, std::vector<uint8_t>{1}), F32({2}, {1, 2})}),
      "f32[2]: 3 6");
}

}  // namespace
}  // namespace slipway
