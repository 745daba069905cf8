// Movements with hand-checked numbers, as foreign models spell them, and symbols through shape arithmetic.
#include <cmath>

#include "ops/import.h"
#include "ops/testing.h"

namespace slipway {
namespace {

// Imports one foreign node: inputs marked constant are constants, the others graph inputs. Runs it and shows
// every output, one a line.
struct ForeignInput {
  TestValue value;
  bool is_constant = false;
};

std::string RunForeign(Format format, const std::string& op, const std::vector<ForeignInput>& inputs,
                       Attrs attrs, size_t num_outputs = 1, int64_t version = 1) {
  Graph graph;
  GraphBuilder builder(graph);
  ForeignNode node;
  node.format = format;
  node.op = op;
  node.name = "node";
  node.version = version;
  node.attrs = std::move(attrs);
  std::vector<Datum> data;
  for (const ForeignInput& input : inputs) {
    const TestValue& value = input.value;
    if (input.is_constant) {
      node.inputs.push_back(builder.Constant("constant", ToTensor(value), value.quant));
      continue;
    }
    node.inputs.push_back(builder.Input("input", Type::Of(value.dtype, ToDimList(value.dims)), value.quant));
    data.push_back(Datum::Of(ToTensor(value)));
  }
  for (size_t i = 0; i < num_outputs; ++i) node.outputs.push_back({"output", {}, inputs[0].value.quant, {}});
  auto imported = ImportNode(node, builder);
  if (!imported.ok()) return imported.status().message();
  graph.outputs = *imported;
  auto results = Interpret(graph, data);
  if (!results.ok()) return results.status().message();
  std::string text;
  for (const Datum& datum : *results) text += (text.empty() ? "" : "\n") + Show(datum.tensor);
  return text;
}

std::vector<double> Count(int n) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(i);
  return values;
}

ForeignInput Fixed(std::vector<double> values) {
  const auto n = static_cast<int64_t>(values.size());
  return {{DType::kI32, {n}, std::move(values)}, true};
}

TEST(StridedSlice, ReadsEveryMask) {
  const ForeignInput x{{DType::kF32, {2, 3, 4}, Count(24)}};
  const auto run = [&](const std::vector<double>& begin, const std::vector<double>& end,
                       const std::vector<double>& strides, Attrs attrs) {
    return RunForeign(Format::kTensorflow, "StridedSlice", {x, Fixed(begin), Fixed(end), Fixed(strides)},
                      std::move(attrs));
  };
  // x[1, ..., 2]
  EXPECT_EQ(
      run({1, 0, 2}, {2, 0, 3}, {1, 1, 1}, {{"ellipsis_mask", int64_t{2}}, {"shrink_axis_mask", int64_t{5}}}),
      "f32[3]: 14 18 22");
  // x[:1, newaxis, ::-2, 3]
  EXPECT_EQ(run({0, 0, 0, 3}, {1, 0, 0, 0}, {1, 1, -2, 1},
                {{"begin_mask", int64_t{4}},
                 {"end_mask", int64_t{4}},
                 {"new_axis_mask", int64_t{2}},
                 {"shrink_axis_mask", int64_t{8}}}),
            "f32[1,1,2]: 11 3");
  // x[-1, -1, -1]
  EXPECT_EQ(run({-1, -1, -1}, {0, 0, 0}, {1, 1, 1}, {{"shrink_axis_mask", int64_t{7}}}), "f32[]: 23");
}

TEST(StridedSlice, TakesBoundsKnownOnlyAtRunTime) {
  const ForeignInput x{{DType::kF32, {2, 3}, Count(6)}};
  const ForeignInput begin{{DType::kI32, {2}, {1, 1}}};
  const ForeignInput end{{DType::kI32, {2}, {2, 3}}};
  EXPECT_EQ(RunForeign(Format::kTflite, "STRIDED_SLICE", {x, begin, end, Fixed({1, 1})},
                       {{"shrink_axis_mask", int64_t{1}}}),
            "f32[2]: 4 5");
}

TEST(Slice, ReadsBeginAndSize) {
  const ForeignInput x{{DType::kF32, {2, 3}, Count(6)}};
  EXPECT_EQ(RunForeign(Format::kTflite, "SLICE", {x, Fixed({0, 1}), Fixed({-1, 2})}, {}),
            "f32[2,2]: 1 2 4 5");
  EXPECT_EQ(RunForeign(Format::kTensorflow, "ReverseV2", {x, Fixed({1})}, {}), "f32[2,3]: 2 1 0 5 4 3");
}

TEST(Pad, FillsQuantisedBordersWithTheirZero) {
  const ForeignInput x{{DType::kU8, {1, 2}, {7, 9}, Quant{{0.5f}, {128}, -1}}};
  const ForeignInput pads{{DType::kI32, {2, 2}, {0, 1, 1, 0}}, true};
  EXPECT_EQ(RunForeign(Format::kTflite, "PAD", {x, pads}, {}), "u8[2,3]: 128 7 9 128 128 128");
  const ForeignInput value{{DType::kU8, {1}, {3}}, true};
  EXPECT_EQ(RunForeign(Format::kTflite, "PADV2", {x, pads, value}, {}), "u8[2,3]: 3 7 9 3 3 3");
}

TEST(Pad, MirrorsWithAndWithoutTheEdge) {
  const ForeignInput x{{DType::kF32, {3}, {1, 2, 3}}};
  const ForeignInput pads{{DType::kI32, {1, 2}, {2, 2}}, true};
  EXPECT_EQ(RunForeign(Format::kTensorflow, "MirrorPad", {x, pads}, {{"mode", std::string("REFLECT")}}),
            "f32[7]: 3 2 1 2 3 2 1");
  EXPECT_EQ(RunForeign(Format::kTensorflow, "MirrorPad", {x, pads}, {{"mode", std::string("SYMMETRIC")}}),
            "f32[7]: 2 1 1 2 3 3 2");
}

TEST(Split, TakesPartsInEveryForm) {
  const ForeignInput x{{DType::kF32, {4}, Count(4)}};
  EXPECT_EQ(RunForeign(Format::kTflite, "SPLIT_V", {x, Fixed({1, -1}), Fixed({0})}, {}, 2),
            "f32[1]: 0\nf32[3]: 1 2 3");
  EXPECT_EQ(RunForeign(Format::kOnnx, "Split", {x}, {{"split", Ints{3, 1}}}, 2, 11),
            "f32[3]: 0 1 2\nf32[1]: 3");
  EXPECT_EQ(RunForeign(Format::kOnnx, "Split", {x}, {{"num_outputs", int64_t{3}}}, 3, 18),
            "f32[2]: 0 1\nf32[2]: 2 3\nf32[0]:");
  const ForeignInput pairs{{DType::kF32, {2, 2}, Count(4)}};
  EXPECT_EQ(RunForeign(Format::kTflite, "UNPACK", {pairs}, {{"axis", int64_t{1}}}, 2),
            "f32[2]: 0 2\nf32[2]: 1 3");
}

TEST(SpaceToBatch, CutsBlocksAndPutsThemBack) {
  const ForeignInput x{{DType::kF32, {1, 3, 1}, {1, 2, 3}}};
  const ForeignInput border{{DType::kI32, {1, 2}, {1, 0}}, true};
  EXPECT_EQ(RunForeign(Format::kTflite, "SPACE_TO_BATCH_ND", {x, Fixed({2}), border}, {}),
            "f32[2,2,1]: 0 2 1 3");
  const ForeignInput y{{DType::kF32, {2, 2, 1}, {0, 2, 1, 3}}};
  EXPECT_EQ(RunForeign(Format::kTflite, "BATCH_TO_SPACE_ND", {y, Fixed({2}), border}, {}),
            "f32[1,3,1]: 1 2 3");
}

TEST(DepthToSpace, KeepsChannelsLast) {
  const ForeignInput x{{DType::kF32, {1, 1, 1, 8}, Count(8)}};
  EXPECT_EQ(RunForeign(Format::kTflite, "DEPTH_TO_SPACE", {x}, {{"block_size", int64_t{2}}}),
            "f32[1,2,2,2]: 0 1 2 3 4 5 6 7");
}

TEST(ShapeArithmetic, KeepsSymbols) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {Dim::Symbol("N"), 3, 4}));
  // reshape(x, concat(shape(x)[0:1], [-1]))
  const auto value = [](Result<ValueId> id) { return id.ok() ? *id : kNoValue; };
  const ValueId shape = value(builder.Add("Shape", {x}));
  const ValueId batch = value(builder.Add("Slice", {shape, builder.Ints({0}), builder.Ints({1})}));
  const ValueId target = value(builder.Add("Concat", {batch, builder.Ints({-1})}, {{"axis", int64_t{0}}}));
  const ValueId y = value(builder.Add("Reshape", {x, target}));
  ASSERT_NE(y, kNoValue);
  EXPECT_EQ(ToString(builder.type(y)), "f32[N,12]");
  // expand([1], gather(shape(x), 0)) has extent N
  const ValueId first = value(builder.Add("Gather", {shape, builder.Ints({0})}));
  const ValueId wide = value(builder.Add("ConstantOfShape", {first}));
  ASSERT_NE(wide, kNoValue);
  EXPECT_EQ(ToString(builder.type(wide)), "f32[N]");
}

TEST(Reshape, RefusesCountsThatDiffer) {
  EXPECT_EQ(RunAndShow("Reshape", {{DType::kF32, {2, 3}, Count(6)}, {DType::kI64, {1}, {5}}}),
            "Reshape 'node': cannot reshape [2,3] to [5]: 6 elements against 5");
}

TEST(Foreign, TensorflowOperatorsMadeOfOthers) {
  const ForeignInput x{{.dims = {2, 3}, .values = Count(6)}};
  const ForeignInput odd{{.dims = {4}, .values = {0, 1, INFINITY, NAN}}};
  const auto run = [](const char* op, const std::vector<ForeignInput>& inputs, size_t num_outputs = 1) {
    return RunForeign(Format::kTensorflow, op, inputs, {}, num_outputs);
  };
  EXPECT_EQ(run("Rank", {x}), "i32[]: 2");
  EXPECT_EQ(run("ShapeN", {x, odd}, 2), "i32[2]: 2 3\ni32[1]: 4");
  EXPECT_EQ(run("IdentityN", {odd, x}, 2), "f32[4]: 0 1 inf nan\nf32[2,3]: 0 1 2 3 4 5");
  EXPECT_EQ(run("EnsureShape", {x}), "f32[2,3]: 0 1 2 3 4 5");
  EXPECT_EQ(run("IsFinite", {odd}), "bool[4]: 1 1 0 0");
  EXPECT_EQ(run("Erfc", {{{.dims = {2}, .values = {0, INFINITY}}}}), "f32[2]: 1 0");
}

TEST(CosineWindow, HannIsZeroAtItsEnds) {
  EXPECT_EQ(RunAndShow("CosineWindow", {{DType::kI64, {}, {5}}}, {{"periodic", int64_t{0}}}),
            "f32[5]: 0 0.5 1 0.5 0");
}

TEST(PadTest, RefusesAFillThatIsNoSingleElement) {
  const TestValue x{DType::kF32, {2}, {1, 2}};
  const TestValue pads{DType::kI64, {2}, {1, 1}};
  EXPECT_EQ(RunAndShow("Pad", {x, pads, {DType::kF32, {1}, {7}}}), "f32[4]: 7 1 2 7");
  EXPECT_EQ(RunAndShow("Pad", {x, pads, {DType::kF32, {0}, {}}}),
            "Pad 'node': value is f32[0]; it must be one element");
}

}  // namespace
}  // namespace slipway
