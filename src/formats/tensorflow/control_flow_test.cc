#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scalar.h"
#include "formats/tensorflow/import.h"
#include "formats/tensorflow/inline.h"
#include "formats/tensorflow/raise_control_flow.h"
#include "formats/tensorflow/test_graph.h"
#include "ops/run.h"

namespace slipway::tensorflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TfNode Arg(const char* name, DType dtype = DType::kF32) { return {name, "_Arg", {}, {{"dtype", dtype}}}; }

TfFunction Function(std::string name, std::vector<std::string> args, std::vector<std::string> results,
                    std::vector<TfNode> nodes) {
  for (const std::string& arg : args) nodes.push_back(Arg(arg.c_str()));
  return {std::move(name), std::move(args), std::move(results), std::move(nodes), Status::Ok()};
}

TfGraph WithFunctions(TfGraph graph, const std::vector<TfFunction>& functions) {
  TfLibrary library;
  for (const TfFunction& function : functions) library.emplace(function.name, function);
  graph.library = std::make_shared<const TfLibrary>(std::move(library));
  return graph;
}

TfNode Scalar(const char* name, float value) { return ConstNode(name, FloatTensor({}, {value})); }
TfNode Number(const char* name, int32_t value) { return ConstNode(name, IntTensor({}, {value})); }

struct Ran {
  std::string error;
  std::vector<std::string> ops;  // of the model's own nodes
  std::vector<std::vector<double>> outputs;
};

// Imports and runs on f32 scalars or lists.
Ran RunModel(const TfGraph& source, const std::vector<std::vector<float>>& inputs,
             const std::vector<std::string>& outputs = {}) {
  Ran ran;
  ImportOptions options;
  options.outputs = outputs;
  const auto model = ImportGraph(source, options);
  if (!model.ok()) {
    ran.error = model.status().message();
    return ran;
  }
  for (const Node& node : model->graph.nodes) ran.ops.push_back(node.op);
  std::vector<Datum> data;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool is_scalar = model->graph.value(model->graph.inputs[i]).type.rank() == 0;
    const Dims dims = is_scalar ? Dims{} : Dims{static_cast<int64_t>(inputs[i].size())};
    data.push_back(Datum::Of(FloatTensor(dims, inputs[i])));
  }
  const auto results = Interpret(model->graph, data);
  if (!results.ok()) {
    ran.error = results.status().message();
    return ran;
  }
  for (const Datum& datum : *results) {
    std::vector<double>& values = ran.outputs.emplace_back();
    for (int64_t i = 0; i < datum.tensor.count(); ++i)
      values.push_back(LoadReal(datum.tensor.dtype(), datum.tensor.data(), i));
  }
  return ran;
}

// --- Calls ---

TEST(Inline, CallsWithinCalls) {
  const TfGraph graph = WithFunctions(
      MakeGraph(
          {PlaceholderNode("x", {}), {"y", "StatefulPartitionedCall", {"x"}, {{"f", std::string("outer")}}}}),
      {Function("outer", {"a"}, {"c:0"}, {{"b", "inner", {"a"}, {}}, {"c", "Add", {"b:1", "a"}, {}}}),
       Function("inner", {"a"}, {"a:0", "n:0"}, {{"n", "Neg", {"a"}, {}}})});
  const auto flat = InlineCalls(graph);
  ASSERT_TRUE(flat.ok()) << flat.status().message();
  EXPECT_NE(flat->Find("y/b/n"), nullptr);
  const Ran ran = RunModel(*flat, {{3}}, {"y/b/n", "y"});
  EXPECT_EQ(ran.error, "");
  EXPECT_THAT(ran.outputs, ElementsAre(ElementsAre(-3), ElementsAre(0)));
}

TEST(Inline, HostileFunctionsEnd) {
  const TfNode call{"y", "PartitionedCall", {}, {{"f", std::string("f0")}}};
  const TfGraph circle =
      WithFunctions(MakeGraph({call}), {Function("f0", {}, {"a:0"}, {{"a", "f0", {}, {}}})});
  EXPECT_THAT(InlineCalls(circle).status().message(), HasSubstr("calls itself"));

  std::vector<TfFunction> doubling;  // 2^40 nodes
  for (int i = 0; i < 40; ++i) {
    const std::string next = "f" + std::to_string(i + 1);
    doubling.push_back(
        Function("f" + std::to_string(i), {}, {"a:0"}, {{"a", next, {}, {}}, {"b", next, {}, {}}}));
  }
  doubling.push_back(Function("f40", {}, {"a:0"}, {Scalar("a", 1)}));
  EXPECT_THAT(InlineCalls(WithFunctions(MakeGraph({call}), doubling)).status().message(),
              HasSubstr("more than"));

  const TfGraph few = WithFunctions(MakeGraph({call}), {Function("f0", {"a"}, {"a:0"}, {})});
  EXPECT_THAT(InlineCalls(few).status().message(), HasSubstr("takes 1 operands, the call has 0"));
}

// --- Functional loops and branches ---

// i < 5: i + 1, y * k.
TfGraph PowerLoop() {
  return WithFunctions(
      MakeGraph({PlaceholderNode("x", {}),
                 PlaceholderNode("k", {}),
                 Number("zero", 0),
                 {"loop",
                  "StatelessWhile",
                  {"zero", "x", "k"},
                  {{"cond", std::string("c")}, {"body", std::string("b")}}},
                 {"y", "Identity", {"loop:1"}, {}}}),
      {Function("c", {"i", "y", "k"}, {"less:0"}, {Number("five", 5), {"less", "Less", {"i", "five"}, {}}}),
       Function("b", {"i", "y", "k"}, {"next:0", "mul:0", "k:0"},
                {Number("one", 1), {"next", "AddV2", {"i", "one"}, {}}, {"mul", "Mul", {"y", "k"}, {}}})});
}

TEST(While, CarriesAndCaptures) {
  const Ran ran = RunModel(PowerLoop(), {{3}, {2}}, {"y"});
  EXPECT_EQ(ran.error, "");
  EXPECT_THAT(ran.ops, ElementsAre("While", "Identity"));
  EXPECT_THAT(ran.outputs, ElementsAre(ElementsAre(96)));
}

TEST(While, ShapesThatGrowAreWidened) {
  const TfGraph graph = WithFunctions(
      MakeGraph({PlaceholderNode("x", {1}),
                 Number("zero", 0),
                 {"loop", "While", {"zero", "x"}, {{"cond", std::string("c")}, {"body", std::string("b")}}},
                 {"y", "Identity", {"loop:1"}, {}}}),
      {Function("c", {"i", "y"}, {"less:0"}, {Number("three", 3), {"less", "Less", {"i", "three"}, {}}}),
       Function("b", {"i", "y"}, {"next:0", "twice:0"},
                {Number("one", 1),
                 Number("axis", 0),
                 {"next", "AddV2", {"i", "one"}, {}},
                 {"twice", "ConcatV2", {"y", "y", "axis"}, {{"N", int64_t{2}}}}})});
  const Ran ran = RunModel(graph, {{7}}, {"y"});
  EXPECT_EQ(ran.error, "");
  EXPECT_THAT(ran.outputs, ElementsAre(testing::SizeIs(8)));
}

TEST(While, WhatDoesNotFitIsNamed) {
  TfGraph graph = PowerLoop();
  TfLibrary library = *graph.library;
  library["b"].results.pop_back();
  graph.library = std::make_shared<const TfLibrary>(library);
  EXPECT_THAT(RunModel(graph, {}, {"y"}).error,
              HasSubstr("its functions give 2 and 1 results for 3 operands"));
  library["b"].results = {"next:0", "next:0", "k:0"};
  graph.library = std::make_shared<const TfLibrary>(library);
  EXPECT_THAT(RunModel(graph, {}, {"y"}).error, HasSubstr("operand 1 is f32[], its body gives i32[]"));
  library["b"].nodes.push_back({"strange", "Strange", {"y"}, {}});
  library["b"].results = {"next:0", "strange:0", "k:0"};
  graph.library = std::make_shared<const TfLibrary>(library);
  EXPECT_THAT(RunModel(graph, {}, {"y"}).error, HasSubstr("1 node of this model cannot be read: Strange"));
}

TEST(While, DeepNestsAreRefused) {
  std::vector<TfFunction> functions = {
      Function("c", {"y"}, {"less:0"}, {Scalar("five", 5), {"less", "Less", {"y", "five"}, {}}})};
  for (int i = 0; i < 40; ++i) {
    const Attrs attrs = {{"cond", std::string("c")}, {"body", "b" + std::to_string(i + 1)}};
    functions.push_back(
        Function("b" + std::to_string(i), {"y"}, {"loop:0"}, {{"loop", "While", {"y"}, attrs}}));
  }
  functions.push_back(
      Function("b40", {"y"}, {"twice:0"},
               {Number("axis", 0), {"twice", "ConcatV2", {"y", "y", "axis"}, {{"N", int64_t{2}}}}}));
  const TfGraph graph = WithFunctions(
      MakeGraph({PlaceholderNode("x", {1}),
                 {"y", "While", {"x"}, {{"cond", std::string("c")}, {"body", std::string("b0")}}}}),
      functions);
  EXPECT_THAT(RunModel(graph, {}).error, HasSubstr("cannot be read: While"));
}

TfGraph Branches(TfNode condition) {
  return WithFunctions(MakeGraph({PlaceholderNode("x", {}),
                                  Scalar("ten", 10),
                                  std::move(condition),
                                  {"y",
                                   "If",
                                   {"p", "x", "ten"},
                                   {{"then_branch", std::string("t")}, {"else_branch", std::string("e")}}}}),
                       {Function("t", {"x", "k"}, {"r:0"}, {{"r", "Add", {"x", "k"}, {}}}),
                        Function("e", {"x", "k"}, {"r:0"}, {{"r", "Neg", {"x"}, {}}})});
}

TEST(If, TakesOneBranch) {
  const TfGraph graph = Branches({"p", "Greater", {"x", "ten"}, {}});
  EXPECT_THAT(RunModel(graph, {{3}}).outputs, ElementsAre(ElementsAre(-3)));
  EXPECT_THAT(RunModel(graph, {{30}}).outputs, ElementsAre(ElementsAre(40)));
}

TEST(If, AConstantConditionLeavesNoBranch) {
  const Ran ran = RunModel(Branches(ConstNode("p", IntTensor({}, {0}))), {{3}});
  EXPECT_EQ(ran.error, "");
  EXPECT_THAT(ran.ops, ElementsAre("Neg"));
  EXPECT_THAT(ran.outputs, ElementsAre(ElementsAre(-3)));
}

// --- TensorFlow 1 ---

TfNode Enter(const char* name, const char* input, const char* frame, DType dtype) {
  return {name, "Enter", {input}, {{"frame_name", std::string(frame)}, {"T", dtype}}};
}

// y = x; for i < n: y = y + step, where an inner loop of two rounds doubles y + step first.
std::vector<TfNode> NestedLoops() {
  return {PlaceholderNode("x", {}),
          Number("zero", 0),
          Number("one", 1),
          Number("n", 3),
          Scalar("step", 1),
          Enter("o/i", "zero", "outer", DType::kI32),
          Enter("o/y", "x", "outer", DType::kF32),
          Enter("o/n", "n", "outer", DType::kI32),
          Enter("o/step", "step", "outer", DType::kF32),
          {"o/mi", "Merge", {"o/i", "o/ni"}, {}},
          {"o/my", "Merge", {"o/y", "o/ny"}, {}},
          {"o/less", "Less", {"o/mi", "o/n"}, {}},
          {"o/cond", "LoopCond", {"o/less"}, {}},
          {"o/si", "Switch", {"o/mi", "o/cond"}, {}},
          {"o/sy", "Switch", {"o/my", "o/cond"}, {}},
          {"o/one", "Const", {"^o/si"}, {{"value", IntTensor({}, {1})}}},
          {"o/add", "Add", {"o/si:1", "o/one"}, {}},
          {"o/sum", "Add", {"o/sy:1", "o/step"}, {}},
          // inner
          {"o/zero", "Const", {"^o/si"}, {{"value", IntTensor({}, {0})}}},
          {"o/two", "Const", {"^o/si"}, {{"value", IntTensor({}, {2})}}},
          Enter("i/k", "o/zero", "inner", DType::kI32),
          Enter("i/y", "o/sum", "inner", DType::kF32),
          Enter("i/two", "o/two", "inner", DType::kI32),
          {"i/mk", "Merge", {"i/k", "i/nk"}, {}},
          {"i/my", "Merge", {"i/y", "i/ny"}, {}},
          {"i/less", "Less", {"i/mk", "i/two"}, {}},
          {"i/cond", "LoopCond", {"i/less"}, {}},
          {"i/sk", "Switch", {"i/mk", "i/cond"}, {}},
          {"i/sy", "Switch", {"i/my", "i/cond"}, {}},
          {"i/one", "Const", {"^i/sk"}, {{"value", IntTensor({}, {1})}}},
          {"i/add", "Add", {"i/sk:1", "i/one"}, {}},
          {"i/double", "Add", {"i/sy:1", "i/sy:1"}, {}},
          {"i/nk", "NextIteration", {"i/add"}, {}},
          {"i/ny", "NextIteration", {"i/double"}, {}},
          {"i/exit", "Exit", {"i/sy"}, {}},
          {"o/ni", "NextIteration", {"o/add"}, {}},
          {"o/ny", "NextIteration", {"i/exit"}, {}},
          {"o/exit", "Exit", {"o/sy"}, {}},
          {"y", "Neg", {"o/exit"}, {}}};
}

TEST(RaiseLoops, LoopsWithinLoops) {
  const Ran ran = RunModel(MakeGraph(NestedLoops()), {{1}}, {"y"});
  EXPECT_EQ(ran.error, "");
  EXPECT_THAT(ran.ops, ElementsAre("While", "Identity", "Neg"));
  // ((1 + 1) * 4 + 1) * 4 ...: 8, 36, 148
  EXPECT_THAT(ran.outputs, ElementsAre(ElementsAre(-148)));
}

TEST(RaiseLoops, WhatIsNoLoopIsNamedNodeByNode) {
  std::vector<TfNode> nodes = NestedLoops();
  for (TfNode& node : nodes) {
    if (node.op == "NextIteration") node.op = "Neg";
  }
  EXPECT_THAT(RunModel(MakeGraph(nodes), {}, {"y"}).error,
              testing::AnyOf(HasSubstr("Enter"), HasSubstr("depends on its own")));
}

// (x > 0 ? (x > 5 ? x : 5) : -x), and what only waits for its pivot.
TfGraph NestedBranches() {
  return MakeGraph({PlaceholderNode("x", {}),
                    Scalar("zero", 0),
                    Scalar("five", 5),
                    {"p", "Greater", {"x", "zero"}, {}},
                    {"q", "Greater", {"x", "five"}, {}},
                    {"sx", "Switch", {"x", "p"}, {}},
                    {"sq", "Switch", {"q", "p"}, {}},
                    {"s5", "Switch", {"five", "p"}, {}},
                    {"inner/x", "Switch", {"sx:1", "sq:1"}, {}},
                    {"inner/5", "Switch", {"s5:1", "sq:1"}, {}},
                    {"inner/merge", "Merge", {"inner/5", "inner/x:1"}, {}},
                    {"neg", "Neg", {"sx"}, {}},
                    {"y", "Merge", {"neg", "inner/merge"}, {}},
                    {"sp", "Switch", {"p", "p"}, {}},
                    {"pivot", "Identity", {"sp:1"}, {}},
                    {"seven", "Const", {"^pivot"}, {{"value", FloatTensor({}, {7})}}},
                    {"z", "Merge", {"sx", "seven"}, {}}});
}

TEST(RaiseBranches, NestedAndOfConstants) {
  for (const auto& [x, y, z] : {std::tuple(-2.0F, 2.0, -2.0), {3, 5, 7}, {9, 9, 7}}) {
    const Ran ran = RunModel(NestedBranches(), {{x}}, {"y", "z"});
    EXPECT_EQ(ran.error, "");
    EXPECT_THAT(ran.outputs, ElementsAre(ElementsAre(y), ElementsAre(z))) << x;
  }
}

TEST(RaiseBranches, OneNodeForAllResultsOfAPredicate) {
  const auto raised = RaiseControlFlow(MakeGraph({PlaceholderNode("x", {}),
                                                  Scalar("zero", 0),
                                                  {"p", "Greater", {"x", "zero"}, {}},
                                                  {"sx", "Switch", {"x", "p"}, {}},
                                                  {"neg", "Neg", {"sx"}, {}},
                                                  {"a", "Merge", {"neg", "sx:1"}, {}},
                                                  {"twice", "Add", {"sx:1", "sx:1"}, {}},
                                                  {"b", "Merge", {"sx", "twice"}, {}},
                                                  // of the same predicate, but behind a
                                                  {"sa", "Switch", {"a", "p"}, {}},
                                                  {"c", "Merge", {"sa", "sa:1"}, {}}}));
  ASSERT_TRUE(raised.ok());
  const auto is_if = [](const TfNode& node) { return node.op == "If"; };
  EXPECT_EQ(std::count_if(raised->nodes.begin(), raised->nodes.end(), is_if), 2);
  EXPECT_EQ(raised->Find("b")->inputs[0], "a/If:1");
}

// --- Lists ---

TEST(Lists, ReservedPlacesAreZerosUntilSet) {
  const TfGraph graph =
      MakeGraph({PlaceholderNode("x", {2}),
                 Number("any", -1),
                 Number("three", 3),
                 Number("one", 1),
                 {"list", "TensorListReserve", {"any", "three"}, {{"element_dtype", DType::kF32}}},
                 {"set", "TensorListSetItem", {"list", "one", "x"}, {{"element_dtype", DType::kF32}}},
                 {"y", "TensorListStack", {"set", "any"}, {{"element_dtype", DType::kF32}}},
                 {"n", "TensorListLength", {"set"}, {}}});
  const Ran ran = RunModel(graph, {{4, 5}}, {"y", "n"});
  EXPECT_EQ(ran.error, "");
  EXPECT_THAT(ran.outputs, ElementsAre(ElementsAre(0, 0, 4, 5, 0, 0), ElementsAre(3)));
}

TEST(Lists, PushPopAndGather) {
  const Attrs f32 = {{"element_dtype", DType::kF32}};
  const TfGraph graph = MakeGraph({PlaceholderNode("x", {2}),
                                   Number("any", -1),
                                   ConstNode("order", IntTensor({3}, {1, 0, 1})),
                                   {"empty", "EmptyTensorList", {"any", "any"}, f32},
                                   {"a", "TensorListPushBack", {"empty", "x"}, f32},
                                   {"neg", "Neg", {"x"}, {}},
                                   {"b", "TensorListPushBack", {"a", "neg"}, f32},
                                   {"c", "TensorListPushBack", {"b", "x"}, f32},
                                   {"d", "TensorListPopBack", {"c", "any"}, f32},
                                   {"y", "TensorListGather", {"d", "order", "any"}, f32},
                                   {"z", "Identity", {"d:1"}, {}},
                                   {"j", "TensorListConcatV2", {"d", "any", "any"}, f32}});
  const Ran ran = RunModel(graph, {{4, 5}}, {"y", "z", "j"});
  EXPECT_EQ(ran.error, "");
  EXPECT_THAT(ran.outputs,
              ElementsAre(ElementsAre(-4, -5, 4, 5, -4, -5), ElementsAre(4, 5), ElementsAre(4, 5, -4, -5)));
}

TEST(Lists, ATensorIsNoList) {
  const TfGraph graph =
      MakeGraph({PlaceholderNode("x", {2}), Number("any", -1), {"y", "TensorListStack", {"x", "any"}, {}}});
  EXPECT_THAT(RunModel(graph, {}).error, HasSubstr("its operand is f32[2], not a list"));
}

}  // namespace
}  // namespace slipway::tensorflow
