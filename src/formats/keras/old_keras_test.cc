// Keras 1's words, TensorFlow's functions in Keras 2's models, and what both may do wrong. The oracle
// (tests/oracles/keras_models.py) has them right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/keras/import.h"
#include "formats/keras/keras1.h"
#include "ops/run.h"

namespace slipway::keras {
namespace {

using testing::HasSubstr;

struct Weight {
  std::string name, shape;
  std::vector<float> values;
};

// A Sequential model of one layer on x, as Keras 1 wrote it; its outputs as text, or the error.
std::string RunOld(const std::string& class_name, const std::string& config, const std::string& shape,
                   const Tensor& x, const std::vector<Weight>& weights,
                   const std::string& around = R"("keras_version":"1.2.2","backend":"tensorflow")") {
  std::string entries, shard;
  for (const Weight& weight : weights) {
    entries += (entries.empty() ? R"({"name":")" : R"(,{"name":")") + weight.name +
               R"(","dtype":"float32","shape":)" + weight.shape + "}";
    shard.append(reinterpret_cast<const char*>(weight.values.data()), weight.values.size() * sizeof(float));
  }
  const std::string json = R"({"format":"layers-model","modelTopology":{)" + around +
                           R"(,"model_config":{"class_name":"Sequential","config":[{"class_name":")" +
                           class_name + R"(","config":{"name":"l_1",)" + config + R"("batch_input_shape":)" +
                           shape + R"(}}]}},"weightsManifest":[{"paths":["s"],"weights":[)" + entries +
                           "]}]}";
  const auto model =
      ImportModelJson(json, ShardsOf([&](const std::string&) -> Result<std::string> { return shard; }), {});
  if (!model.ok()) return model.status().message();
  const std::vector<Datum> inputs = {Datum::Of(x)};
  const auto outputs = Interpret(model->graph, inputs);
  if (!outputs.ok()) return outputs.status().message();
  const Tensor& y = (*outputs)[0].tensor;
  std::string text = ToString(y.dims()) + ":";
  for (float value : y.values<float>()) text += " " + std::to_string(value).substr(0, 5);
  return text;
}

Tensor F32(Dims dims, std::vector<float> values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

TEST(Keras1, DenseHasItsOldWords) {
  EXPECT_EQ(RunOld("Dense", R"("output_dim":1,"bias":true,"activation":"linear",)", "[null,2]",
                   F32({1, 2}, {1, 2}), {{"l_1_W", "[2,1]", {10, 1}}, {"l_1_b", "[1]", {0.5F}}}),
            "[1,1]: 12.50");
}

// [1,2] slides over 1 2 4: 1*1+2*2, 1*2+2*4; Theano mirrors its kernels: 2*1+1*2, 2*2+1*4.
TEST(Keras1, KernelsOfTheanoAreMirrored) {
  const std::string config =
      R"("nb_filter":1,"filter_length":2,"border_mode":"valid","subsample_length":1,"bias":false,)";
  const Tensor x = F32({1, 3, 1}, {1, 2, 4});
  const std::vector<Weight> weights = {{"l_1_W", "[2,1,1,1]", {1, 2}}};
  EXPECT_EQ(RunOld("Convolution1D", config, "[null,3,1]", x, weights), "[1,2,1]: 5.000 10.00");
  EXPECT_EQ(RunOld("Convolution1D", config, "[null,3,1]", x, weights,
                   R"("keras_version":"1.1.0","backend":"theano")"),
            "[1,2,1]: 4.000 8.000");
}

// Without a version its words tell.
TEST(Keras1, IsKnownByItsWords) {
  const auto is_old = [](const char* layer) {
    return IsKeras1(Json::parse(std::string(R"({"class_name":"Sequential","config":[)") + layer + "]}"));
  };
  EXPECT_TRUE(is_old(R"({"class_name":"Convolution2D","config":{"nb_filter":3}})"));
  EXPECT_TRUE(is_old(R"({"class_name":"MaxPooling2D","config":{"border_mode":"same"}})"));
  EXPECT_FALSE(is_old(R"({"class_name":"Conv2D","config":{"filters":3}})"));
  EXPECT_FALSE(IsKeras1(Json::parse("[1, 2]")));
}

TEST(Keras1, WhatItAloneHadIsNamed) {
  const Tensor x = F32({1, 2}, {1, 2});
  EXPECT_THAT(RunOld("BatchNormalization", R"("mode":2,"axis":-1,)", "[null,2]", x, {}),
              HasSubstr("BatchNormalization (mode 2)"));
  EXPECT_THAT(RunOld("Merge", R"("mode":"cos",)", "[null,2]", x, {}), HasSubstr("Merge"));
  EXPECT_THAT(RunOld("MaxoutDense", R"("output_dim":1,)", "[null,2]", x, {}), HasSubstr("MaxoutDense"));
}

TEST(Keras1, WeightsOfOtherShapesAreRefused) {
  const Tensor x = F32({1, 3, 3, 1}, std::vector<float>(9, 1));
  EXPECT_THAT(RunOld("Convolution2D", R"("nb_filter":1,"nb_row":2,"nb_col":2,"dim_ordering":"tf",)",
                     "[null,3,3,1]", x, {{"l_1_W", "[2,2]", {1, 2, 3, 4}}}),
              HasSubstr("Convolution2D 'l_1': its weight is f32[2,2]; Keras 1 gave it 4 axes of f32"));
  EXPECT_THAT(RunOld("LSTM", R"("output_dim":1,)", "[null,2,1]", F32({1, 2, 1}, {1, 2}),
                     {{"l_1_W_i", "[1,1]", {1}}, {"l_1_W_f", "[1,2]", {1, 2}}}),
              HasSubstr("LSTM 'l_1': its weights 'W_*' have different shapes"));
}

// One call of a TensorFlow function on x f32[1,2,2].
std::string Call(const std::string& function, const std::string& keywords) {
  const std::string json =
      R"({"format":"layers-model","modelTopology":{"keras_version":"2.4.0","model_config":{
      "class_name":"Functional","config":{"name":"net","layers":[
      {"class_name":"InputLayer","name":"x","config":{"name":"x","batch_input_shape":[1,2,2]},"inbound_nodes":[]},
      {"class_name":"TFOpLambda","name":"f","config":{"name":"f","function":")" +
      function + R"("},"inbound_nodes":[["x",0,0,{)" + keywords + R"(}]]}],
      "input_layers":[["x",0,0]],"output_layers":[["f",0,0]]}}},"weightsManifest":[]})";
  const auto model = ImportModelJson(
      json, ShardsOf([&](const std::string&) -> Result<std::string> { return std::string(); }), {});
  if (!model.ok()) return model.status().message();
  return ToString(model->graph.value(model->graph.outputs[0]).type);
}

TEST(KerasFunctions, OfTensorFlowAreCheckedAndNamed) {
  EXPECT_EQ(Call("math.multiply", R"("y":2.0,"name":null)"), "f32[1,2,2]");
  EXPECT_EQ(Call("reshape", R"("shape":[1,-1])"), "f32[1,4]");
  EXPECT_EQ(
      Call("__operators__.getitem", R"("slice_spec":[0,null,{"start":-1,"stop":null,"step":null},"..."])"),
      "f32[1,1,2]");
  EXPECT_THAT(Call("reshape", R"("shape":[1,0])"), HasSubstr("its shape has the extent 0"));
  EXPECT_THAT(Call("reshape", R"("shape":["x",0,0])"), HasSubstr("its shape is computed"));
  EXPECT_THAT(Call("reshape", ""), HasSubstr("has no shape"));
  EXPECT_THAT(Call("transpose", R"("perm":[0,1])"), HasSubstr("its axes are no order of the input's 3"));
  EXPECT_THAT(Call("math.multiply", ""), HasSubstr("is called with 1 arguments"));
  EXPECT_THAT(Call("math.multiply", R"("y":"two")"),
              HasSubstr("an argument that is no tensor and no number"));
  EXPECT_THAT(Call("__operators__.getitem", R"("slice_spec":[0,0,0,0])"),
              HasSubstr("its key has more entries than the input has axes"));
  EXPECT_THAT(Call("__operators__.getitem", R"("slice_spec":[{"start":0,"stop":1,"step":0}])"),
              HasSubstr("a slice of its key has the step 0"));
  EXPECT_THAT(Call("signal.stft", ""), HasSubstr("tf.signal.stft"));
}

}  // namespace
}  // namespace slipway::keras
