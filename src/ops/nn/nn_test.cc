// Hand-checked numbers of the network operators.
#include "ops/testing.h"

namespace slipway {
namespace {

using std::string;

TestValue F32(Dims dims, std::vector<double> values) {
  return {DType::kF32, std::move(dims), std::move(values)};
}

const std::vector<double> kNine = {1, 2, 3, 4, 5, 6, 7, 8, 9};

const TestValue kAbsent{.is_absent = true};

TEST(ConvTest, SumsUnderTheWindowAndPadsWithZeros) {
  const TestValue x = F32({1, 1, 3, 3}, kNine);
  const TestValue ones = F32({1, 1, 2, 2}, {1, 1, 1, 1});
  EXPECT_EQ(RunAndShow("Conv", {x, ones}), "f32[1,1,2,2]: 12 16 24 28");
  EXPECT_EQ(RunAndShow("Conv", {x, ones, F32({1}, {-20})}, {{"activation", string("relu")}}),
            "f32[1,1,2,2]: 0 0 4 8");
  EXPECT_EQ(RunAndShow("Conv", {x, ones}, {{"auto_pad", string("SAME_UPPER")}, {"strides", Ints{2, 2}}}),
            "f32[1,1,2,2]: 12 9 15 9");
  EXPECT_EQ(RunAndShow("Conv", {x, ones}, {{"auto_pad", string("SAME_LOWER")}, {"strides", Ints{2, 2}}}),
            "f32[1,1,2,2]: 1 5 11 28");
  EXPECT_EQ(RunAndShow("Conv", {x, ones}, {{"dilations", Ints{2, 2}}}), "f32[1,1,1,1]: 20");
}

TEST(ConvTest, GroupsDoNotMixInEitherLayout) {
  const Attrs first = {{"group", int64_t{2}}};
  const Attrs last = {{"group", int64_t{2}}, {"layout", string("channels_last")}};
  EXPECT_EQ(RunAndShow("Conv", {F32({1, 2, 1, 2}, {1, 2, 3, 4}), F32({2, 1, 1, 1}, {10, 100})}, first),
            "f32[1,2,1,2]: 10 20 300 400");
  EXPECT_EQ(RunAndShow("Conv", {F32({1, 1, 2, 2}, {1, 3, 2, 4}), F32({2, 1, 1, 1}, {10, 100})}, last),
            "f32[1,1,2,2]: 10 300 20 400");
}

TEST(ConvTest, NamesBothSidesOfAMismatch) {
  EXPECT_EQ(RunAndShow("Conv", {F32({1, 4, 3, 3}, {}), F32({8, 3, 1, 1}, {})}),
            "Conv 'node': weights [8,3,1,1] take 3 channels in 1 groups, input [1,4,3,3] has 4");
  EXPECT_EQ(RunAndShow("Conv", {F32({1, 1, 3, 3}, {}), F32({1, 1, 5, 5}, {})}),
            "Conv 'node': spatial axis 0 has extent 3; the window covers 5 and does not fit");
}

TEST(ConvTest, IntegersRescaleAndClamp) {
  // (12 - 2) * 3 + 20 = 50; 50 * 0.5 * 0.5 / 1 = 12.5, rounded away from zero; + 1.
  const TestValue x{DType::kI8, {1, 1, 1, 1}, {12}, Quant{{0.5F}, {2}, -1}};
  const TestValue w{DType::kI8, {1, 1, 1, 1}, {3}, Quant{{0.5F}, {0}, 0}};
  const TestValue b{DType::kI32, {1}, {20}};
  EXPECT_EQ(RunAndShow("Conv", {x, w, b}, {{"layout", string("channels_last")}}, {Quant{{1.0F}, {1}, -1}}),
            "i8[1,1,1,1]: 14");
  EXPECT_EQ(RunAndShow("Conv", {x, w, b}, {{"activation", string("relu6")}}, {Quant{{1.0F}, {1}, -1}}),
            "i8[1,1,1,1]: 7");
}

TEST(ConvTest, AddsTheResidualOnEitherSideOfTheActivation) {
  const TestValue x = F32({1, 1, 1, 2}, {1, -3});
  const TestValue w = F32({1, 1, 1, 1}, {2});
  const TestValue residual = F32({1, 1, 1, 2}, {-5, 4});
  Attrs attrs = {{"activation", string("relu")}};
  EXPECT_EQ(RunAndShow("Conv", {x, w, kAbsent, residual}, attrs), "f32[1,1,1,2]: 0 0");
  attrs.Set("residual_order", string("after_activation"));
  EXPECT_EQ(RunAndShow("Conv", {x, w, kAbsent, residual}, attrs), "f32[1,1,1,2]: -3 4");
}

TEST(ConvTest, TakesAResidualOfFloatsAndOfTheResultsShapeOnly) {
  const TestValue x = F32({1, 1, 1, 2}, {1, -3});
  const TestValue w = F32({1, 1, 1, 1}, {2});
  EXPECT_EQ(RunAndShow("Conv", {x, w, kAbsent, F32({1, 1, 1, 1}, {5})}),
            "Conv 'node': the residual is f32[1,1,1,1], the result f32[1,1,1,2]: they must be alike");
  const Quant steps{{1.0F}, {0}, -1};
  const TestValue x8{DType::kI8, {1, 1, 1, 2}, {1, -3}, steps};
  const TestValue w8{DType::kI8, {1, 1, 1, 1}, {2}, steps};
  EXPECT_EQ(RunAndShow("Conv", {x8, w8, kAbsent, F32({1, 1, 1, 2}, {5, 5})}, {}, {steps}),
            "Conv 'node': a residual needs a float input and float weights, not i8 and i8");
  EXPECT_EQ(RunAndShow("Conv", {x, w8, kAbsent, F32({1, 1, 1, 2}, {5, 5})}),
            "Conv 'node': a residual needs a float input and float weights, not f32 and i8");
}

TEST(ConvTransposeTest, SpreadsEveryPixel) {
  const TestValue x = F32({1, 1, 2, 2}, {1, 2, 3, 4});
  const TestValue ones = F32({1, 1, 2, 2}, {1, 1, 1, 1});
  EXPECT_EQ(RunAndShow("ConvTranspose", {x, ones}), "f32[1,1,3,3]: 1 3 2 4 10 6 3 7 4");
  EXPECT_EQ(RunAndShow("ConvTranspose", {x, ones}, {{"pads", Ints{1, 1, 1, 1}}}), "f32[1,1,1,1]: 10");
  EXPECT_EQ(RunAndShow("ConvTranspose", {F32({1, 1, 1, 2}, {1, 2}), F32({1, 1, 1, 1}, {5})},
                       {{"strides", Ints{1, 2}}, {"output_padding", Ints{0, 1}}}),
            "f32[1,1,1,4]: 5 0 10 0");
}

TEST(PoolTest, PaddingNeitherWinsNorCounts) {
  const TestValue x = F32({1, 1, 3, 3}, {-1, -2, -3, -4, -5, -6, -7, -8, -9});
  const Attrs window = {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 0, 0}}};
  EXPECT_EQ(RunAndShow("MaxPool", {x}, window), "f32[1,1,2,2]: -1 -2 -4 -5");
  EXPECT_EQ(RunAndShow("AveragePool", {x}, window), "f32[1,1,2,2]: -1 -2.5 -5.5 -7");
  Attrs counted = window;
  counted.Set("count_include_pad", int64_t{1});
  EXPECT_EQ(RunAndShow("AveragePool", {x}, counted), "f32[1,1,2,2]: -0.25 -1.25 -2.75 -7");
}

TEST(PoolTest, CeilModeAddsAWindowOnlyOverTheImage) {
  const Attrs window = {{"kernel_shape", Ints{1}}, {"strides", Ints{2}}, {"ceil_mode", int64_t{1}}};
  EXPECT_EQ(RunAndShow("MaxPool", {F32({1, 1, 4}, {1, 2, 3, 4})}, window), "f32[1,1,2]: 1 3");
  const Attrs wide = {{"kernel_shape", Ints{2}}, {"strides", Ints{2}}, {"ceil_mode", int64_t{1}}};
  EXPECT_EQ(RunAndShow("MaxPool", {F32({1, 1, 5}, {1, 2, 3, 4, 5})}, wide), "f32[1,1,3]: 2 4 5");
}

TEST(PoolTest, MaximaAreFoundWhereTheyStand) {
  auto result = RunOp("MaxPool", {F32({1, 2, 2, 2}, {1, 4, 3, 2, 8, 5, 6, 7})},
                      {{"kernel_shape", Ints{2, 2}}}, {std::nullopt, std::nullopt});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(Show((*result)[1].tensor), "i64[1,2,1,1]: 1 4");
}

TEST(PoolTest, IntegerMeansRoundHalfAwayFromZero) {
  const Quant quant{{1.0F}, {0}, -1};
  const Attrs window = {{"kernel_shape", Ints{1, 2}}, {"strides", Ints{1, 2}}};
  EXPECT_EQ(RunAndShow("AveragePool", {{DType::kI8, {1, 1, 1, 4}, {1, 2, -1, -2}, quant}}, window, {quant}),
            "i8[1,1,1,2]: 2 -2");
}

TEST(MatMulTest, BroadcastsBatchesAndDropsVectorAxes) {
  const TestValue a = F32({2, 1, 2}, {1, 2, 3, 4});
  const TestValue b = F32({2, 2}, {1, 10, 100, 1000});
  EXPECT_EQ(RunAndShow("MatMul", {a, b}), "f32[2,1,2]: 201 2010 403 4030");
  EXPECT_EQ(RunAndShow("MatMul", {F32({2}, {1, 2}), F32({2}, {3, 4})}), "f32[]: 11");
  EXPECT_EQ(RunAndShow("MatMul", {F32({1, 2}, {1, 2}), b}, {{"transpose_b", int64_t{1}}}),
            "f32[1,2]: 21 2100");
}

TEST(GemmTest, ScalesTransposesAndAdds) {
  EXPECT_EQ(RunAndShow("Gemm", {F32({2, 1}, {1, 2}), F32({3, 2}, {1, 2, 3, 4, 5, 6}), F32({3}, {1, 1, 1})},
                       {{"transA", int64_t{1}}, {"transB", int64_t{1}}, {"alpha", 2.0F}, {"beta", -1.0F}}),
            "f32[1,3]: 9 21 33");
}

TEST(FullyConnectedTest, AddsTheResidualOnEitherSideOfTheActivation) {
  const TestValue x = F32({2, 1}, {1, -3});
  const TestValue w = F32({1, 1}, {2});
  const TestValue b = F32({1}, {1});
  const TestValue residual = F32({2, 1}, {-5, 4});
  Attrs attrs = {{"activation", string("relu")}};
  EXPECT_EQ(RunAndShow("FullyConnected", {x, w, b, residual}, attrs), "f32[2,1]: 0 0");
  attrs.Set("residual_order", string("after_activation"));
  EXPECT_EQ(RunAndShow("FullyConnected", {x, w, b, residual}, attrs), "f32[2,1]: -2 4");
  EXPECT_EQ(RunAndShow("FullyConnected", {x, w, b, F32({1, 2}, {5, 5})}),
            "FullyConnected 'node': the residual is f32[1,2], the result f32[2,1]: they must be alike");
}

TEST(FullyConnectedTest, FlattensToRows) {
  const TestValue w = F32({2, 2}, {1, 0, 0, 2});
  EXPECT_EQ(RunAndShow("FullyConnected", {F32({1, 2, 2}, {1, 2, 3, 4}), w, F32({2}, {10, 20})}),
            "f32[2,2]: 11 24 13 28");
  EXPECT_EQ(RunAndShow("FullyConnected", {F32({1, 2, 2}, {1, 2, 3, 4}), w}, {{"keep_num_dims", int64_t{1}}}),
            "f32[1,2,2]: 1 4 3 8");
}

TEST(SoftmaxTest, SumsToOneAlongItsAxes) {
  const TestValue zeros = F32({2, 2}, {0, 0, 1000, 1000});
  EXPECT_EQ(RunAndShow("Softmax", {zeros}), "f32[2,2]: 0.5 0.5 0.5 0.5");
  EXPECT_EQ(RunAndShow("Softmax", {F32({1, 2, 2}, {0, 0, 0, 0})},
                       {{"axis", int64_t{1}}, {"coerce_2d", int64_t{1}}}),
            "f32[1,2,2]: 0.25 0.25 0.25 0.25");
  EXPECT_EQ(RunAndShow("LogSoftmax", {F32({2}, {0, 0})}), "f32[2]: -0.693147 -0.693147");
  EXPECT_EQ(RunAndShow("Hardmax", {F32({4}, {1, 3, 3, 2})}), "f32[4]: 0 1 0 0");
}

TEST(NormalizationTest, CentersAndScales) {
  EXPECT_EQ(RunAndShow("BatchNormalization",
                       {F32({1, 2, 1}, {3, 5}), F32({2}, {2, 1}), F32({2}, {10, 20}), F32({2}, {1, 1}),
                        F32({2}, {4, 16})},
                       {{"epsilon", 0.0F}}),
            "f32[1,2,1]: 12 21");
  EXPECT_EQ(RunAndShow("LayerNormalization", {F32({1, 2}, {1, 3}), F32({2}, {1, 2}), F32({2}, {0, 5})},
                       {{"epsilon", 0.0F}}),
            "f32[1,2]: -1 7");
  EXPECT_EQ(RunAndShow("RMSNormalization", {F32({1, 2}, {1, 7}), F32({2}, {5, 5})}, {{"epsilon", 0.0F}}),
            "f32[1,2]: 1 7");
  EXPECT_EQ(RunAndShow("L2Normalization", {F32({2}, {3, 4})}), "f32[2]: 0.6 0.8");
  EXPECT_EQ(RunAndShow("LpNormalization", {F32({4}, {1, -1, 2, 4})}, {{"p", int64_t{1}}}),
            "f32[4]: 0.125 -0.125 0.25 0.5");
  EXPECT_EQ(
      RunAndShow("LRN", {F32({1, 3, 1}, {1, 2, 3})}, {{"size", int64_t{3}}, {"alpha", 3.0F}, {"beta", 1.0F}}),
      "f32[1,3,1]: 0.166667 0.133333 0.214286");
}

TEST(ResizeTest, EveryCoordinateConventionHasItsPlace) {
  const TestValue x = F32({1, 2}, {0, 4});
  const TestValue none{.is_absent = true};
  const TestValue sizes{DType::kI64, {2}, {1, 4}};
  const std::pair<const char*, const char*> cases[] = {{"half_pixel", "f32[1,4]: 0 1 3 4"},
                                                       {"align_corners", "f32[1,4]: 0 1.33333 2.66667 4"},
                                                       {"asymmetric", "f32[1,4]: 0 2 4 4"}};
  for (const auto& [mode, want] : cases) {
    const Attrs attrs = {{"mode", string("linear")}, {"coordinate_transformation_mode", string(mode)}};
    EXPECT_EQ(RunAndShow("Resize", {x, none, none, sizes}, attrs), want);
  }
}

TEST(ResizeTest, TfliteIntegersBlendInFixedPoint) {
  const Quant quant{{1.0F}, {0}, -1};
  const TestValue none{.is_absent = true};
  const TestValue x{DType::kI8, {1, 1, 2, 1}, {-3, 4}, quant};
  const Attrs attrs = {{"mode", string("linear")},
                       {"coordinate_transformation_mode", string("asymmetric")},
                       {"axes", Ints{1, 2}},
                       {"arithmetic", string("tflite")}};
  EXPECT_EQ(RunAndShow("Resize", {x, none, none, {DType::kI64, {2}, {1, 4}}}, attrs, {quant}),
            "i8[1,1,4,1]: -3 1 4 4");
}

TEST(DetectionPostProcessTest, KeepsTheBestOfOverlappingBoxes) {
  // Two equal anchors and one apart; codes of 0 give the anchors themselves.
  const TestValue boxes = F32({1, 3, 4}, std::vector<double>(12, 0));
  const TestValue scores = F32({1, 3, 2}, {0, 0.6, 0, 0.9, 0, 0.7});
  const TestValue anchors = F32({3, 4}, {0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 2.5, 0.5, 1, 1});
  auto result =
      RunOp("DetectionPostProcess", {boxes, scores, anchors},
            {{"max_detections", int64_t{3}}, {"num_classes", int64_t{1}}, {"nms_score_threshold", 0.1F}},
            std::vector<std::optional<Quant>>(4));
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(Show((*result)[0].tensor), "f32[1,3,4]: 0 0 1 1 2 0 3 1 0 0 0 0");
  EXPECT_EQ(Show((*result)[2].tensor), "f32[1,3]: 0.9 0.7 0");
  EXPECT_EQ(Show((*result)[3].tensor), "f32[1]: 2");
}

// Two equal anchors and one apart, three classes behind the background; the outputs' memory was used before.
std::string DetectInUsedMemory(Attrs attrs, const std::vector<double>& scores) {
  attrs.Set("num_classes", int64_t{3});
  attrs.Set("nms_score_threshold", 0.1F);
  const OpDef& op = *FindOp("DetectionPostProcess");
  Node node{.op = op.name, .name = "node", .attrs = std::move(attrs)};
  EXPECT_TRUE(CompleteAttrs(op, node).ok());
  const std::vector<TestValue> values = {F32({1, 3, 4}, std::vector<double>(12, 0)), F32({1, 3, 4}, scores),
                                         F32({3, 4}, {0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 2.5, 0.5, 1, 1})};
  std::vector<Datum> inputs;
  for (const TestValue& value : values) inputs.push_back(Datum::Of(ToTensor(value)));
  const int64_t rows = node.attrs.Int("max_detections") * node.attrs.Int("max_classes_per_detection");
  std::vector<Datum> outputs;
  for (const Dims& dims : {Dims{1, rows, 4}, Dims{1, rows}, Dims{1, rows}, Dims{1}}) {
    outputs.push_back(Datum::Of(Tensor(DType::kF32, dims)));
    std::ranges::fill(outputs.back().tensor.values<float>(), -77.0F);
  }
  std::vector<RunContext::Operand> in, out;
  for (Datum& datum : inputs) in.push_back({&datum, nullptr, nullptr});
  for (Datum& datum : outputs) out.push_back({&datum, nullptr, nullptr});
  RunContext context(node, in, out, nullptr);
  const Status status = op.reference(context);
  if (!status.ok()) return status.message();
  std::string text;
  for (const Datum& datum : outputs) text += (text.empty() ? "" : "; ") + Show(datum.tensor);
  return text;
}

// Box 1 stands in for box 0; each survivor gives its two best classes, and the third pair of rows is empty.
TEST(DetectionPostProcessTest, FastGivesTheBestClassesOfEachBoxAndClearsTheRest) {
  EXPECT_EQ(DetectInUsedMemory({{"max_detections", int64_t{3}}, {"max_classes_per_detection", int64_t{2}}},
                               {0, 0.6, 0.2, 0.1, 0, 0.3, 0.9, 0.5, 0, 0.7, 0.05, 0.4}),
            "f32[1,6,4]: 0 0 1 1 0 0 1 1 2 0 3 1 2 0 3 1 0 0 0 0 0 0 0 0; f32[1,6]: 1 2 0 2 0 0; "
            "f32[1,6]: 0.9 0.5 0.7 0.4 0 0; f32[1]: 2");
}

// Each class by itself: box 0 stays for class 0, box 1 for class 1, box 2 for class 0.
TEST(DetectionPostProcessTest, RegularSuppressesClassByClassAndClearsTheRest) {
  EXPECT_EQ(
      DetectInUsedMemory({{"max_detections", int64_t{5}}, {"use_regular_nms", int64_t{1}}},
                         {0, 0.6, 0.2, 0.05, 0, 0.3, 0.9, 0.02, 0, 0.7, 0.05, 0.01}),
      "f32[1,5,4]: 0 0 1 1 2 0 3 1 0 0 1 1 0 0 0 0 0 0 0 0; f32[1,5]: 1 0 0 0 0; f32[1,5]: 0.9 0.7 0.6 0 0; "
      "f32[1]: 3");
}

TEST(MeanVarianceNormalizationTest, RefusesAnAxisNamedTwice) {
  EXPECT_EQ(RunAndShow("MeanVarianceNormalization", {F32({2, 1}, {1, 3})}, {{"axes", Ints{0, 1}}}),
            "f32[2,1]: -1 1");
  EXPECT_EQ(RunAndShow("MeanVarianceNormalization", {F32({2, 1}, {1, 3})}, {{"axes", Ints{1, -1}}}),
            "MeanVarianceNormalization 'node': axes name axis 1 of f32[2,1] twice");
}

TEST(BatchNormalizationTest, AVectorHasOneChannel) {
  const TestValue one = F32({1}, {1});
  EXPECT_EQ(RunAndShow("BatchNormalization", {F32({2}, {3, 4}), one, one, one, one}, {{"epsilon", 0.0F}}),
            "f32[2]: 3 4");
  EXPECT_EQ(RunAndShow("BatchNormalization", {F32({2}, {3, 4}), F32({0}, {}), one, one, one}),
            "BatchNormalization 'node': scale is [0], needs [1]");
}

TEST(DetectionPostProcessTest, RefusesOperandsOfOtherShapes) {
  const auto fault = [](Dims boxes, Dims scores, Dims anchors) {
    const auto zeros = [](Dims dims) {
      const auto count = static_cast<size_t>(CountOf(dims));
      return F32(std::move(dims), std::vector<double>(count, 0));
    };
    return RunAndShow("DetectionPostProcess",
                      {zeros(std::move(boxes)), zeros(std::move(scores)), zeros(std::move(anchors))},
                      {{"max_detections", int64_t{3}}, {"num_classes", int64_t{1}}},
                      std::vector<std::optional<Quant>>(4));
  };
  const std::string start = "DetectionPostProcess 'node': ";
  EXPECT_EQ(fault({12}, {1, 3, 2}, {3, 4}), start + "boxes are f32[12]; they must be [1,N,...]");
  EXPECT_EQ(fault({1, 3, 4}, {2, 3, 2}, {3, 4}), start + "scores are f32[2,3,2]; they must be [1,N,...]");
  EXPECT_EQ(fault({1, 3, 4}, {1, 3, 2}, {3, 5}), start + "boxes and anchors must have 4 numbers each");
  EXPECT_EQ(fault({1, 3, 4}, {1, 3, 2}, {2, 4}), start + "there are 3 boxes and 2 anchors");
}

TEST(EinsumTest, SumsOverTheNamesMissingOnTheRight) {
  const TestValue a = F32({2, 2}, {1, 2, 3, 4});
  const TestValue b = F32({2, 2}, {5, 6, 7, 8});
  EXPECT_EQ(RunAndShow("Einsum", {a, b}, {{"equation", std::string("ij,jk->ik")}}), "f32[2,2]: 19 22 43 50");
  EXPECT_EQ(RunAndShow("Einsum", {a}, {{"equation", std::string("ba")}}), "f32[2,2]: 1 3 2 4");
  EXPECT_EQ(RunAndShow("Einsum", {a}, {{"equation", std::string("...ii->...")}}), "f32[]: 5");
}

TEST(EinsumTest, RefusesEquationsThatDoNotFit) {
  const auto fault = [](const char* equation) {
    return RunAndShow("Einsum", {F32({2, 3}, {0, 0, 0, 0, 0, 0})}, {{"equation", std::string(equation)}});
  };
  EXPECT_EQ(fault("ij,jk"), "Einsum 'node': equation 'ij,jk': it has 2 terms for 1 operands");
  EXPECT_EQ(fault("ijk"), "Einsum 'node': equation 'ijk': term 'ijk' names 3 axes of operand 0, which has 2");
  EXPECT_EQ(fault("ii"),
            "Einsum 'node': equation 'ii': axis 1 of operand 0 has 3 elements, another of that name 2");
  EXPECT_EQ(fault("ij->k"), "Einsum 'node': equation 'ij->k': 'k' of the result is no operand's");
}

TEST(DetTest, CountsRowSwaps) {
  EXPECT_EQ(RunAndShow("Det", {F32({3, 2, 2}, {1, 2, 3, 4, 0, 1, 1, 0, 1, 2, 2, 4})}), "f32[3]: -2 -1 0");
}

}  // namespace
}  // namespace slipway
