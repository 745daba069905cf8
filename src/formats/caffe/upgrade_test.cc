// Descriptions of the first two generations, brought up to today's as util/upgrade_proto.cpp does.
#include "formats/caffe/testing.h"

namespace slipway::caffe {
namespace {

using testing::ElementsAre;

TEST(CaffeUpgrade, LayersHoldTheirParametersElsewhere) {
  const Weights weights = {{"ip", {Floats({1, 1, 1, 2}, {3, 4}), Floats({1, 1, 1, 1}, {1})}}};
  const Tensor x = Floats({1, 2}, {10, 1});
  const std::string v0 =
      "layers { layer { name: 'ip' type: 'innerproduct' num_output: 1 } bottom: 'x' top: 'y' }";
  const std::string v1 =
      "layers { name: 'ip' type: INNER_PRODUCT inner_product_param { num_output: 1 } bottom: 'x' top: 'y' }";
  ExpectValues(RunNet(v0, x, weights), {1, 1}, {35});
  ExpectValues(RunNet(v1, x, weights), {1, 1}, {35});
}

std::string TypesOf(const std::string& text) {
  const auto net = ReadNet(text);
  if (!net.ok()) return net.status().message();
  std::string types;
  for (const Layer& layer : net->layers) types += layer.type + " ";
  return types;
}

TEST(CaffeUpgrade, TypesAreRenamed) {
  std::string v0;
  for (const char* type : {"accuracy",
                           "bnll",
                           "concat",
                           "conv",
                           "data",
                           "dropout",
                           "euclidean_loss",
                           "flatten",
                           "hdf5_data",
                           "hdf5_output",
                           "im2col",
                           "images",
                           "infogain_loss",
                           "innerproduct",
                           "lrn",
                           "multinomial_logistic_loss",
                           "pool",
                           "relu",
                           "sigmoid",
                           "softmax",
                           "softmax_loss",
                           "split",
                           "tanh",
                           "window_data"})
    v0 += std::string("layers { layer { name: 'l' type: '") + type + "' } }\n";
  EXPECT_EQ(TypesOf(v0),
            "Accuracy BNLL Concat Convolution Data Dropout EuclideanLoss Flatten HDF5Data HDF5Output Im2col "
            "ImageData InfogainLoss InnerProduct LRN MultinomialLogisticLoss Pooling ReLU Sigmoid Softmax "
            "SoftmaxWithLoss Split TanH WindowData ");
  EXPECT_EQ(
      TypesOf("layers { type: ABSVAL } layers { type: SIGMOID_CROSS_ENTROPY_LOSS } layers { type: MVN }"),
      "AbsVal SigmoidCrossEntropyLoss MVN ");
}

std::string V0Layer(const std::string& inner, const std::string& bottom, const std::string& top) {
  return "layers { layer { " + inner + " } bottom: '" + bottom + "' top: '" + top + "' }\n";
}
const std::string kPad = V0Layer("name: 'p' type: 'padding' pad: 1", "x", "padded");

// As the pool's own padding: no zero wins, and a third window would start in the padding.
TEST(CaffeUpgrade, PaddingBecomesThePools) {
  const Tensor x = Floats({1, 1, 3, 3}, {-1, -2, -3, -4, -5, -6, -7, -8, -9});
  const std::string pool = "name: 'q' type: 'pool' pool: MAX kernelsize: 2 stride: 2";
  ExpectValues(RunNet(kPad + V0Layer(pool, "padded", "y"), x), {1, 1, 2, 2}, {-1, -2, -4, -5});
}

TEST(CaffeUpgrade, PaddingBecomesTheConvolutions) {
  const auto net = ReadNet("input: 'x' input_dim: [1,1,3,3]" + kPad +
                           V0Layer("name: 'c' type: 'conv' num_output: 1 kernelsize: 3", "padded", "y"));
  ASSERT_TRUE(net.ok()) << net.status().message();
  ASSERT_EQ(net->layers.size(), 1U);
  EXPECT_THAT(net->layers[0].bottoms, ElementsAre("x"));
  EXPECT_EQ(net->layers[0].message.Child("convolution_param")->Text("pad"), "1");
}

// Caffe has no such net; zeros around the image are what it says.
TEST(CaffeUpgrade, PaddingThatOthersReadStays) {
  ExpectValues(RunNet(kPad + V0Layer("name: 'r' type: 'relu'", "padded", "y"), Floats({1, 1, 1, 1}, {5})),
               {1, 1, 3, 3}, {0, 0, 0, 0, 5, 0, 0, 0, 0});
}

}  // namespace
}  // namespace slipway::caffe
