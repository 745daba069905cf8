// The builder's own promises: mistakes at their lines, handles, names, symbolic extents.
#include "slipway/network_builder.h"

#include <gmock/gmock.h>

#include "network/testing.h"

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string Here(int line) { return "network_builder_test.cc:" + std::to_string(line) + ": "; }

TEST(NetworkBuilder, AMistakeNamesTheLineThatMadeIt) {
  NetworkBuilder net("wrong");
  const NetTensor x = net.Input("x", DType::kF32, {1, 4, 8, 8});
  const ConvolutionLayer three_channels = {.weights = Tensor(DType::kF32, {2, 3, 3, 3})};
  const int line = __LINE__ + 1;
  const NetTensor y = net.Convolution(x, three_channels);
  EXPECT_FALSE(y.HoldsTensor());
  EXPECT_EQ(net.status().message(),
            Here(line) +
                "Conv 'convolution_1': weights [2,3,3,3] take 3 channels in 1 groups, input [1,4,8,8] has 4");
}

// What follows a mistake is no mistake of its own.
TEST(NetworkBuilder, TheFirstMistakeIsKept) {
  NetworkBuilder net("wrong");
  const NetTensor a = net.Input("a", DType::kF32, {2, 3});
  const NetTensor b = net.Input("b", DType::kF32, {2, 4});
  const int line = __LINE__ + 1;
  NetTensor y = net.ElementWise(a, b, ElementWiseOperation::kSum);
  y = net.Activation(y, ActivationType::kRelu);
  y = net.Reshape(y, {5, 5});
  net.MarkOutput(y, "y");
  EXPECT_THAT(net.status().message(), StartsWith(Here(line)));
  EXPECT_EQ(net.Finish().status().message(), net.status().message());
}

TEST(NetworkBuilder, HandlesOfOthersAreRefused) {
  NetworkBuilder first("first");
  const NetTensor x = first.Input("x", DType::kF32, {1});
  NetworkBuilder second("second");
  second.Input("x", DType::kF32, {1});
  const int line = __LINE__ + 1;
  second.Activation(x, ActivationType::kRelu);
  EXPECT_EQ(second.status().message(),
            Here(line) + "Relu 'activation_1': operand 0 is no tensor of this network");
  NetworkBuilder third("third");
  third.MarkOutput(NetTensor(), "y");
  EXPECT_THAT(third.status().message(), HasSubstr("output 'y' is no tensor of this network"));
}

TEST(NetworkBuilder, AnOperandThatIsNeededMayNotBeLeftOut) {
  const auto mistake = [](auto write) {
    NetworkBuilder net("left out");
    write(net, NetTensor::LeftOut());
    return net.status().message();
  };
  EXPECT_NE(mistake([](auto& net, NetTensor x) { net.Activation(x, ActivationType::kRelu); }), "");
  EXPECT_NE(mistake([](auto& net, NetTensor x) {
              net.Activation(x, ActivationType::kClip, {.alpha = 0.0f, .beta = 1.0f});
            }),
            "");
  EXPECT_NE(mistake([](auto& net, NetTensor x) { net.Convolution(x, {}); }), "");
  EXPECT_NE(mistake([](auto& net, NetTensor x) { net.Padding(x, {.pre = {1}, .post = {1}, .value = 1}); }),
            "");
  EXPECT_NE(mistake([](auto& net, NetTensor x) { net.Slice(x, {}); }), "");
  EXPECT_NE(mistake([](auto& net, NetTensor) { net.Concatenation({}, 0); }), "");
  EXPECT_NE(mistake([](auto& net, NetTensor x) { net.Scale(x, {.scale = F32({1}, {2})}); }), "");
  EXPECT_NE(mistake([](auto& net, NetTensor x) { net.MarkOutput(x, "y"); }), "");
}

TEST(NetworkBuilder, NamesAreChecked) {
  const auto mistake = [](auto write) {
    NetworkBuilder net("names");
    write(net, net.Input("x", DType::kF32, {1}));
    const auto graph = net.Finish();
    return graph.ok() ? "none" : graph.status().message();
  };
  EXPECT_THAT(mistake([](auto& net, NetTensor) { net.Input("x", DType::kF32, {1}); }),
              HasSubstr("input 'x'"));
  EXPECT_THAT(mistake([](auto& net, NetTensor x) { net.MarkOutput(x, "x"); }), HasSubstr("output 'x'"));
  EXPECT_THAT(mistake([](auto& net, NetTensor x) { net.MarkOutput(x, ""); }), HasSubstr("output ''"));
  EXPECT_THAT(mistake([](auto& net, NetTensor x) {
                net.MarkOutput(x, "y");
                net.MarkOutput(x, "y");
              }),
              HasSubstr("output 'y'"));
  EXPECT_THAT(mistake([](auto&, NetTensor) {}), HasSubstr("network 'names' has no output"));
}

TEST(NetworkBuilder, ATensorMayBeSeveralOutputs) {
  NetworkBuilder net("fork");
  const NetTensor x = net.Input("x", DType::kF32, {2});
  net.MarkOutput(x, "same");
  net.MarkOutput(net.Unary(x, UnaryOperation::kNeg), "negated");
  net.MarkOutput(x, "again");
  const auto outputs = Outputs(net, {F32({2}, {1, -2})});
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_THAT(ValuesOf(outputs[0]), ElementsAre(1, -2));
  EXPECT_THAT(ValuesOf(outputs[1]), ElementsAre(-1, 2));
  EXPECT_THAT(ValuesOf(outputs[2]), ElementsAre(1, -2));
}

TEST(NetworkBuilder, SymbolicExtents) {
  NetworkBuilder net("open");
  const NetTensor x = net.Input("x", DType::kF32, {"N", 3});
  EXPECT_EQ(net.dims(x), (Dims{-1, 3}));
  EXPECT_EQ(net.dtype(x), DType::kF32);
  net.MarkOutput(net.Reduce(x, ReduceOperation::kSum, {.axes = {1}}), "y");
  const auto outputs = Outputs(net, {Iota({2, 3})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_THAT(ValuesOf(outputs[0]), ElementsAre(3, 12));
  NetworkBuilder wrong("open");
  wrong.Input("x", DType::kF32, {-1, 3});
  EXPECT_THAT(wrong.status().message(), HasSubstr("input 'x' has the extent -1"));
}

TEST(NetworkBuilder, AnyOperatorByName) {
  const Tensor y = Apply(Iota({4}), [](NetworkBuilder& net, NetTensor x) {
    return net.Add("CumSum",
                   {x, net.Constant(Tensor::From<int64_t>(DType::kI64, {}, std::vector<int64_t>{0}))},
                   {{"exclusive", int64_t{1}}});
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(0, 0, 1, 3));
}

TEST(NetworkBuilder, AttributesOfText) {
  const Tensor y = Apply(F32({2, 2}, {1, 2, 3, 4}), [](NetworkBuilder& net, NetTensor x) {
    return net.Add("Einsum", {x, x}, {{"equation", "ij,ij->i"}});
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(5, 25));
}

TEST(NetworkBuilder, SeveralOutputsByName) {
  NetworkBuilder net("split");
  const NetTensor x = net.Input("x", DType::kF32, {4});
  const auto parts = net.Add("Split", {x}, {}, 2);
  net.MarkOutput(net.ElementWise(parts[0], parts[1], ElementWiseOperation::kSub), "y");
  const auto outputs = Outputs(net, {F32({4}, {5, 6, 1, 4})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_THAT(ValuesOf(outputs[0]), ElementsAre(4, 2));
}

TEST(NetworkBuilder, WrongUsesOfAdd) {
  const auto mistake = [](const char* op, const LayerAttrs& attrs, int num_outputs) {
    NetworkBuilder net("add");
    net.Add(op, {net.Input("x", DType::kF32, {1})}, attrs, num_outputs);
    return net.status().message();
  };
  EXPECT_THAT(mistake("NoSuchOperator", {}, 1), HasSubstr("no operator is called 'NoSuchOperator'"));
  EXPECT_THAT(mistake("Relu", {{"no_such_attribute", 1.0f}}, 1), HasSubstr("no_such_attribute"));
  EXPECT_THAT(mistake("Relu", {}, 0), HasSubstr("Relu cannot have 0 outputs"));
  EXPECT_NE(mistake("Relu", {}, 2), "");
}

TEST(NetworkBuilder, IsSpentOnceFinished) {
  NetworkBuilder net("once");
  const NetTensor x = net.Input("x", DType::kF32, {1});
  net.MarkOutput(x, "y");
  ASSERT_TRUE(net.Finish().ok());
  EXPECT_FALSE(net.Activation(x, ActivationType::kRelu).HoldsTensor());
  EXPECT_EQ(net.dims(x), std::nullopt);
  EXPECT_EQ(net.Finish().status().message(), "this network has been finished");
}

TEST(NetworkBuilder, NodesTellTheLineTheyComeFrom) {
  NetworkBuilder net("lines");
  const NetTensor x = net.Input("x", DType::kF32, {1});
  const int line = __LINE__ + 1;
  net.MarkOutput(net.Activation(x, ActivationType::kRelu), "y");
  const auto graph = net.Finish();
  ASSERT_TRUE(graph.ok());
  EXPECT_THAT((*graph)->nodes[0].sources,
              ElementsAre("activation 'network_builder_test.cc:" + std::to_string(line) + "'"));
}

}  // namespace
}  // namespace slipway
