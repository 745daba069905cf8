#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "formats/keras/import.h"
#include "formats/keras/tensors.h"
#include "formats/keras/weights.h"
#include "formats/support.h"
#include "ops/run.h"
#include "ops/transpose_tensor.h"

namespace slipway::keras {
namespace {

using testing::HasSubstr;
using Numbers = std::vector<float>;

Tensor Floats(Dims dims, const Numbers& values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

struct Weight {
  std::string name, shape;  // "[2,3]"
  Numbers values;
};

// The model.json of `model` ({"class_name": ..., "config": ...}), and its one shard.
struct Files {
  std::string json, shard;
};
Files FilesOf(const std::string& model, const std::vector<Weight>& weights, const std::string& version) {
  Files files;
  std::string entries;
  for (const Weight& weight : weights) {
    entries += (entries.empty() ? "" : ",") + (R"({"name":")" + weight.name) +
               R"(","dtype":"float32","shape":)" + weight.shape + "}";
    files.shard.append(reinterpret_cast<const char*>(weight.values.data()),
                       weight.values.size() * sizeof(float));
  }
  files.json = R"({"format":"layers-model","modelTopology":{"keras_version":")" + version +
               R"(","model_config":)" + model + R"(},"weightsManifest":[{"paths":["s"],"weights":[)" +
               entries + "]}]}";
  return files;
}

Result<ImportedModel> Import(const Files& files, const ImportOptions& options = {}) {
  return ImportModelJson(
      files.json, ShardsOf([&](const std::string&) -> Result<std::string> { return files.shard; }), options);
}

std::string ErrorOf(const Files& files, const ImportOptions& options = {}) {
  const auto model = Import(files, options);
  return model.ok() ? "none" : model.status().message();
}

// "[1,2]: 3 4" of every output, rounded to 4 digits, or the error.
std::string RunModel(const Files& files, const std::vector<Tensor>& inputs) {
  const auto model = Import(files);
  if (!model.ok()) return model.status().message();
  std::vector<Datum> data;
  for (const Tensor& input : inputs) data.push_back(Datum::Of(input));
  const auto outputs = Interpret(model->graph, data);
  if (!outputs.ok()) return outputs.status().message();
  std::string text;
  for (const Datum& datum : *outputs) {
    const Tensor& output = datum.tensor;
    text += (text.empty() ? "" : "; ") + ToString(output.dims()) + ":";
    for (int64_t i = 0; i < output.count(); ++i) {
      std::ostringstream number;
      number << std::round(static_cast<double>(output.as<float>()[i]) * 1e4) / 1e4;
      text += " " + number.str();
    }
  }
  return text;
}

// One layer on an input of `shape` ("[null,3]").
std::string OneLayer(const std::string& class_name, const std::string& config, const std::string& shape) {
  return R"({"class_name":"Sequential","config":{"name":"net","layers":[{"class_name":")" + class_name +
         R"(","config":{"name":"l","batch_input_shape":)" + shape + (config.empty() ? "" : "," + config) +
         "}}]}}";
}

std::string RunLayer(const std::string& class_name, const std::string& config, const std::string& shape,
                     const Tensor& x, const std::vector<Weight>& weights = {},
                     const std::string& version = "2.9.0") {
  return RunModel(FilesOf(OneLayer(class_name, config, shape), weights, version), {x});
}

const std::vector<Weight> kDense = {{"l/kernel", "[2,1]", {3, 4}}, {"l/bias", "[1]", {1}}};

TEST(KerasModel, SequentialOfKeras2) {
  EXPECT_EQ(RunLayer("Dense", R"("units":1,"activation":"relu")", "[null,2]", Floats({2, 2}, {10, 1, -10, 1}),
                     kDense),
            "[2,1]: 35 0");
  const auto model = Import(FilesOf(OneLayer("Dense", R"("units":1)", "[null,2]"), kDense, "2.9.0"));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->format, "keras");
  EXPECT_EQ(model->graph.value(model->graph.inputs[0]).name, "l_input");
  EXPECT_EQ(ToString(model->graph.value(model->graph.inputs[0]).type), "f32[batch,2]");
  EXPECT_EQ(model->graph.value(model->graph.outputs[0]).name, "l");
}

// Two inputs; a layer that is called twice; an operation of keras.ops.
TEST(KerasModel, FunctionalOfKeras3) {
  const auto tensor = [](const std::string& name, const std::string& call) {
    return R"({"class_name":"__keras_tensor__","config":{"shape":[null,2],"keras_history":[")" + name +
           "\"," + call + ",0]}}";
  };
  const std::string model = R"({"module":"keras","class_name":"Functional","config":{"name":"f","layers":[
    {"module":"keras.layers","class_name":"InputLayer","config":{"batch_shape":[null,2],"name":"a"},"name":"a","inbound_nodes":[]},
    {"module":"keras.layers","class_name":"InputLayer","config":{"batch_shape":[null,2],"name":"b"},"name":"b","inbound_nodes":[]},
    {"module":"keras.layers","class_name":"Dense","config":{"name":"d","units":2,"use_bias":false},"name":"d","inbound_nodes":[
      {"args":[)" + tensor("a", "0") +
                            R"(],"kwargs":{}},{"args":[)" + tensor("b", "0") + R"(],"kwargs":{}}]},
    {"module":"keras.layers","class_name":"Subtract","config":{"name":"s"},"name":"s","inbound_nodes":[
      {"args":[[)" + tensor("d", "0") +
                            "," + tensor("d", "1") + R"(]],"kwargs":{}}]},
    {"module":"keras.src.ops.numpy","class_name":"Multiply","config":{"name":"m"},"name":"m","inbound_nodes":[
      {"args":[)" + tensor("s", "0") +
                            R"(,0.5],"kwargs":{}}]}],
    "input_layers":[["a",0,0],["b",0,0]],"output_layers":[["m",0,0],["d",1,0]]}})";
  const Files files = FilesOf(model, {{"layers/dense/vars/0", "[2,2]", {1, 0, 1, 2}}}, "3.9.0");
  EXPECT_EQ(RunModel(files, {Floats({1, 2}, {1, 2}), Floats({1, 2}, {5, 1})}), "[1,2]: -1.5 1; [1,2]: 6 2");
}

// A model in a model, of Keras 2, which counts its calls from 1; its layer has the name of an outer one.
TEST(KerasModel, ModelsInModels) {
  const std::string model = R"({"class_name":"Model","config":{"name":"outer","layers":[
    {"class_name":"InputLayer","config":{"batch_input_shape":[null,1],"name":"x"},"name":"x","inbound_nodes":[]},
    {"class_name":"Sequential","config":{"name":"inner","layers":[
      {"class_name":"Dense","config":{"name":"d","units":1,"use_bias":false,"batch_input_shape":[null,1]}}]},
     "name":"inner","inbound_nodes":[[["x",0,0,{}]]]},
    {"class_name":"Dense","config":{"name":"d","units":1,"use_bias":false},"name":"d","inbound_nodes":[[["inner",1,0,{}]]]}],
    "input_layers":[["x",0,0]],"output_layers":[["d",0,0],["inner",1,0]]}})";
  const Files files =
      FilesOf(model, {{"d/kernel", "[1,1]", {10}}, {"inner/d/kernel", "[1,1]", {3}}}, "2.4.0");
  EXPECT_EQ(RunModel(files, {Floats({1, 1}, {2})}), "[1,1]: 60; [1,1]: 6");
}

TEST(KerasModel, CutsNameLayers) {
  const std::string model = R"({"class_name":"Sequential","config":{"name":"net","layers":[
    {"class_name":"Dense","config":{"name":"one","units":1,"use_bias":false,"batch_input_shape":[null,1]}},
    {"class_name":"Activation","config":{"name":"two","activation":"relu"}}]}})";
  const Files files = FilesOf(model, {{"one/kernel", "[1,1]", {2}}}, "2.4.0");
  ImportOptions options;
  options.outputs = {"one"};
  auto cut = Import(files, options);
  ASSERT_TRUE(cut.ok()) << cut.status().message();
  EXPECT_EQ(cut->graph.value(cut->graph.outputs[0]).name, "one");
  options.outputs = {"tow"};
  EXPECT_EQ(ErrorOf(files, options),
            "--output 'tow': the model has no layer of that name (did you mean 'two'?)");
  options.outputs = {};
  options.inputs = {{"one", DimList{3, 1}, std::nullopt}};
  cut = Import(files, options);
  ASSERT_TRUE(cut.ok()) << cut.status().message();
  EXPECT_EQ(cut->graph.value(cut->graph.inputs[0]).name, "one");
  EXPECT_EQ(cut->graph.nodes.size(), 1U);
}

TEST(KerasModel, WhatCannotBeReadIsListedAtOnce) {
  const std::string model = R"({"class_name":"Sequential","config":{"name":"net","layers":[
    {"class_name":"Lambda","config":{"name":"code","batch_input_shape":[null,1]}},
    {"class_name":"Dense","config":{"name":"d","units":1}},
    {"class_name":"MyLayer","config":{"name":"mine"}}]}})";
  SupportReport report;
  ImportOptions options;
  options.support = &report;
  const auto refused = Import(FilesOf(model, {}, "2.4.0"), options);
  EXPECT_EQ(refused.status().code(), Code::kUnsupported);
  EXPECT_THAT(refused.status().message(), HasSubstr("'code': Lambda on (f32[batch,1])"));
  EXPECT_THAT(refused.status().message(), HasSubstr("'mine': MyLayer on ("));
  EXPECT_EQ(report.unsupported.size(), 2U);
  EXPECT_THAT(RunLayer("Dense", R"("units":1,"activation":"mine")", "[null,2]", {}, kDense),
              HasSubstr("the activation 'mine' is not Keras's own"));
}

// Inside of a model, too: called as a layer, and by a layer.
TEST(KerasModel, WhatModelsInsideCannotReadIsListed) {
  const std::string inner = R"({"class_name":"Sequential","config":{"name":"inner","layers":[
      {"class_name":"Lambda","config":{"name":"code","batch_input_shape":[null,1]}}]}})";
  const std::string model = R"({"class_name":"Sequential","config":{"name":"net","layers":[
    {"class_name":"InputLayer","config":{"name":"x","batch_input_shape":[null,3,1]}},)";
  EXPECT_THAT(ErrorOf(FilesOf(model + inner + "]}}", {}, "2.4.0")), HasSubstr("'inner/code': Lambda on ("));
  const std::string steps =
      R"({"class_name":"TimeDistributed","config":{"name":"steps","layer":)" + inner + "}}";
  EXPECT_THAT(ErrorOf(FilesOf(model + steps + "]}}", {}, "2.4.0")),
              HasSubstr("'steps': TimeDistributed on ("));
}

TEST(KerasModel, BrokenTopologiesAreToldApart) {
  const auto model = [](const std::string& inbound, const std::string& outputs) {
    return FilesOf(R"({"class_name":"Model","config":{"name":"m","layers":[
      {"class_name":"InputLayer","config":{"batch_input_shape":[null,1],"name":"x"},"name":"x","inbound_nodes":[]},
      {"class_name":"ReLU","config":{"name":"r"},"name":"r","inbound_nodes":[[[")" +
                       inbound + R"(]]]}],"input_layers":[["x",0,0]],"output_layers":[[")" + outputs + "]]}}",
                   {}, "2.4.0");
  };
  EXPECT_EQ(ErrorOf(model(R"(r",0,0)", R"(r",0,0)")), "model.json: layer 'r' needs its own result");
  EXPECT_EQ(ErrorOf(model(R"(q",0,0)", R"(r",0,0)")),
            "model.json: the layer 'q', which others take, does not exist");
  EXPECT_EQ(ErrorOf(model(R"(x",0,0)", R"(r",1,0)")),
            "model.json: layer 'r' is called 1 times; others take the result of call 1");
  EXPECT_EQ(ErrorOf(model(R"(x",0,0)", R"(r",0,2)")),
            "model.json: the model gives output 2 of 'r', which has none of that number");
  EXPECT_EQ(ErrorOf({"{", ""}), "model.json: not valid JSON");
  EXPECT_EQ(ErrorOf({"{}", ""}), "model.json: has no modelTopology");
}

// --- Weights ---

TEST(KerasWeights, ErrorsNameLayerWeightAndBothShapes) {
  const auto error = [](std::vector<Weight> weights) {
    return ErrorOf(FilesOf(OneLayer("Dense", R"("units":1)", "[null,2]"), weights, "2.4.0"));
  };
  EXPECT_EQ(
      error({{"l/kernel", "[2,1]", {3, 4}}}),
      "Dense 'l': its weight 'bias' [1] is not in the weightsManifest; of this layer there are: 'l/kernel'");
  EXPECT_EQ(error({{"l/kernel", "[1,2]", {3, 4}}, {"l/bias", "[1]", {1}}}),
            "Dense 'l': its weight 'kernel' must be [2,1], the weightsManifest has [1,2]");
  EXPECT_EQ(error({{"l/kernel", "[2,1]", {3}}}),
            "model.json: weight 'l/kernel' [2,1] needs 8 bytes, its shards have 4 left");
  EXPECT_EQ(error({{"l/a/kernel", "[2,1]", {3, 4}}, {"l/b/kernel", "[2,1]", {3, 4}}, {"l/bias", "[1]", {1}}}),
            "Dense 'l': several weights may be its 'kernel', among them 'l/b/kernel'");
  Files files = FilesOf(OneLayer("Dense", R"("units":1)", "[null,2]"), kDense, "2.4.0");
  const size_t at = files.json.find("float32");
  files.json.replace(at, 7, "bool");
  files.shard.erase(0, 6);
  EXPECT_EQ(ErrorOf(files), "Dense 'l': its weight 'kernel' must be f32, the weightsManifest has bool");
}

// 1 byte: level * scale + min.
TEST(KerasWeights, QuantisedShardsAreRead) {
  Files files;
  files.json =
      R"({"modelTopology":{"model_config":)" +
      OneLayer("Dense", R"("units":1,"use_bias":false)", "[null,2]") +
      R"(},"weightsManifest":[{"paths":["s"],"weights":[{"name":"l/kernel","shape":[2,1],"dtype":"float32",
               "quantization":{"dtype":"uint8","scale":0.5,"min":-1}}]}]})";
  files.shard = std::string("\x02\x06", 2);
  EXPECT_EQ(RunModel(files, {Floats({1, 2}, {10, 1})}), "[1,1]: 2");
  files.json.replace(files.json.find("uint8"), 5, "uint4");
  EXPECT_THAT(ErrorOf(files),
              HasSubstr("weight 'l/kernel' of dtype f32 has a quantization that is not uint8"));
}

TEST(KerasWeights, NamesOfManyDialects) {
  TfjsWeights weights;
  for (const char* name :
       {"dense/kernel:0", "outer/dense/kernel", "layers/dense_1/vars/0", "lstm/lstm_cell_3/kernel",
        "bidirectional/forward_rnn/cell/kernel", "bidirectional/backward_rnn/cell/kernel", "other/1"})
    weights[name] = Filled({1}, 0);
  const WeightStore store(weights);
  const auto found = [&](const LayerPath& path, const char* leaf, int64_t number) -> std::string {
    const auto tensor = store.Find(path, leaf, number);
    if (!tensor.ok()) return "several";
    for (const auto& [name, each] : weights) {
      if (*tensor == &each) return name;
    }
    return "none";
  };
  EXPECT_EQ(found({{}, "dense", "dense", {}, {}}, "kernel", 0), "dense/kernel:0");
  EXPECT_EQ(found({{"outer"}, "dense", "dense", {"functional"}, {}}, "kernel", 0), "outer/dense/kernel");
  EXPECT_EQ(found({{}, "second", "dense_1", {}, {}}, "kernel", 0), "layers/dense_1/vars/0");
  EXPECT_EQ(found({{}, "lstm", "lstm", {}, {}}, "kernel", 0), "lstm/lstm_cell_3/kernel");
  EXPECT_EQ(found({{}, "bidirectional", "b", {}, {"backward_*"}}, "kernel", 0),
            "bidirectional/backward_rnn/cell/kernel");
  EXPECT_EQ(found({{}, "bidirectional", "b", {}, {}}, "kernel", 0), "several");
  EXPECT_EQ(found({{}, "other", "o", {}, {}}, "bias", 1), "other/1");
  EXPECT_EQ(found({{}, "absent", "a", {}, {}}, "bias", 1), "none");
}

TEST(KerasWeights, AreRearranged) {
  const Tensor tensor = Floats({2, 3}, {0, 1, 2, 10, 11, 12});
  const auto numbers = [](const Tensor& each) {
    return Numbers(each.as<float>(), each.as<float>() + each.count());
  };
  EXPECT_EQ(numbers(TransposeTensor(tensor, {1, 0})), (Numbers{0, 10, 1, 11, 2, 12}));
  EXPECT_EQ(numbers(BlocksReordered(tensor, 1, {2, 0, 1})), (Numbers{2, 0, 1, 12, 10, 11}));
  EXPECT_EQ(numbers(BlocksReordered(tensor, 0, {1, 0})), (Numbers{10, 11, 12, 0, 1, 2}));
}

// --- Layers, where versions and options differ. All others meet Keras in tests/oracles/keras_models.py. ---

TEST(KerasLayers, HardSigmoidDiffersByVersion) {
  const Tensor x = Floats({1, 2}, {1, -2.9F});
  EXPECT_EQ(RunLayer("Activation", R"("activation":"hard_sigmoid")", "[null,2]", x, {}, "2.4.0"),
            "[1,2]: 0.7 0");
  EXPECT_EQ(RunLayer("Activation", R"("activation":"hard_sigmoid")", "[null,2]", x, {}, "3.1.0"),
            "[1,2]: 0.6667 0.0167");
}

TEST(KerasLayers, ReluTakesAllItsOptions) {
  // Below the threshold 1: 0.5 (x - 1); above 3: 3.
  EXPECT_EQ(RunLayer("ReLU", R"("max_value":3.0,"negative_slope":0.5,"threshold":1.0)", "[null,4]",
                     Floats({1, 4}, {-1, 1, 2, 5})),
            "[1,4]: -1 0 2 3");
  EXPECT_EQ(RunLayer("LeakyReLU", R"("alpha":0.5)", "[null,1]", Floats({1, 1}, {-2})), "[1,1]: -1");
  EXPECT_EQ(RunLayer("LeakyReLU", R"("negative_slope":0.25)", "[null,1]", Floats({1, 1}, {-2})),
            "[1,1]: -0.5");
  EXPECT_EQ(RunLayer("ReLU", R"("threshold":"high")", "[null,1]", Floats({1, 1}, {0})),
            "ReLU 'l': its 'threshold' is \"high\"; it must be a number");
}

// Of an even kernel and stride 3 'same' adds a column of zeros at the end.
TEST(KerasLayers, TransposedConvolutionsHaveKerasExtents) {
  const std::vector<Weight> kernel = {{"l/kernel", "[2,1,1]", {1, 2}}};
  const std::string config = R"("filters":1,"use_bias":false,"kernel_size":[2],"strides":[3],"padding":")";
  const Tensor x = Floats({1, 2, 1}, {5, 7});
  EXPECT_EQ(RunLayer("Conv1DTranspose", config + R"(same")", "[null,2,1]", x, kernel),
            "[1,6,1]: 5 10 0 7 14 0");
  EXPECT_EQ(RunLayer("Conv1DTranspose", config + R"(valid")", "[null,2,1]", x, kernel),
            "[1,6,1]: 5 10 0 7 14 0");
  EXPECT_EQ(RunLayer("Conv1DTranspose", config + R"(valid","output_padding":0)", "[null,2,1]", x, kernel),
            "[1,5,1]: 5 10 0 7 14");
}

TEST(KerasLayers, CausalConvolutionsLookBack) {
  EXPECT_EQ(
      RunLayer("Conv1D",
               R"("filters":1,"use_bias":false,"kernel_size":[2],"dilation_rate":[2],"padding":"causal")",
               "[null,3,1]", Floats({1, 3, 1}, {1, 2, 3}), {{"l/kernel", "[2,1,1]", {10, 1}}}),
      "[1,3,1]: 1 2 13");
}

TEST(KerasLayers, FlattenPutsChannelsLast) {
  const Tensor x = Floats({1, 2, 1, 2}, {1, 2, 3, 4});
  EXPECT_EQ(RunLayer("Flatten", R"("data_format":"channels_first")", "[null,2,1,2]", x), "[1,4]: 1 3 2 4");
  EXPECT_EQ(RunLayer("Flatten", "", "[null,2,1,2]", x), "[1,4]: 1 2 3 4");
}

// h' = x + h / 2, from behind: Keras leaves the outputs in the order of computation.
TEST(KerasLayers, RecurrentLayersGoBackwards) {
  const std::vector<Weight> weights = {{"l/cell/kernel", "[1,1]", {1}},
                                       {"l/cell/recurrent_kernel", "[1,1]", {0.5F}}};
  const std::string config =
      R"("units":1,"use_bias":false,"activation":"linear","go_backwards":true,"return_sequences":)";
  const Tensor x = Floats({1, 3, 1}, {1, 2, 4});
  EXPECT_EQ(RunLayer("SimpleRNN", config + "true", "[null,3,1]", x, weights), "[1,3,1]: 4 4 3");
  EXPECT_EQ(RunLayer("SimpleRNN", config + "false", "[null,3,1]", x, weights), "[1,1]: 3");
  // exponential is none of the operator's functions: the steps are a Scan. e^(0 + 0), e^(0 + 1/2).
  const std::string other = R"("units":1,"use_bias":false,"activation":"exponential")";
  EXPECT_EQ(RunLayer("SimpleRNN", other, "[null,2,1]", Floats({1, 2, 1}, {0, 0}), weights), "[1,1]: 1.6487");
}

// Steps of zeros are masked: the state stays.
TEST(KerasLayers, MasksAreHeeded) {
  const auto model = [](const std::string& last) {
    return R"({"class_name":"Sequential","config":{"name":"net","layers":[
      {"class_name":"Masking","config":{"name":"m","mask_value":0,"batch_input_shape":[null,3,1]}},)" +
           last + "]}}";
  };
  const Tensor x = Floats({1, 3, 1}, {1, 0, 4});
  const std::string rnn = model(
      R"({"class_name":"SimpleRNN","config":{"name":"l","units":1,"use_bias":false,"activation":"linear","return_sequences":true}})");
  EXPECT_EQ(
      RunModel(FilesOf(rnn, {{"l/kernel", "[1,1]", {1}}, {"l/recurrent_kernel", "[1,1]", {0.5F}}}, "2.4.0"),
               {x}),
      "[1,3,1]: 1 1 4.5");
  EXPECT_EQ(RunModel(FilesOf(model(R"({"class_name":"GlobalAveragePooling1D","config":{"name":"g"}})"), {},
                             "2.4.0"),
                     {x}),
            "[1,1]: 2.5");
  EXPECT_THAT(RunModel(FilesOf(model(R"({"class_name":"Softmax","config":{"name":"s"}})"), {}, "2.4.0"), {x}),
              HasSubstr("a masked softmax"));
}

TEST(KerasLayers, WhatOnlyTrainingNeedsIsLeftOut) {
  const auto model = Import(FilesOf(OneLayer("Dropout", R"("rate":0.5)", "[null,2]"), {}, "2.4.0"));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->notes,
            (std::vector<std::string>{"the layer 'l' (Dropout) is left out: it does nothing at inference"}));
}

}  // namespace
}  // namespace slipway::keras
