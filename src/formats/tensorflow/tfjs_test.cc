#include "formats/tensorflow/tfjs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/scalar.h"

namespace slipway::tensorflow {
namespace {

using testing::HasSubstr;

using Shards = std::map<std::string, std::string>;

Result<TfGraph> Parse(const std::string& json, const Shards& shards) {
  return ParseTfjsModel(json, ShardsOf([&](const std::string& path) -> Result<std::string> {
                          const auto found = shards.find(path);
                          if (found == shards.end()) return Status(Code::kNotFound, "no file '" + path + "'");
                          return found->second;
                        }));
}

template <class T>
std::string Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// A model of one constant 'w', stored in the shard 's'.
std::string OneWeight(const std::string& weight) {
  return R"({"modelTopology": {"node": [{"name": "w", "op": "Const"}]},
             "weightsManifest": [{"paths": ["s"], "weights": [)" +
         weight + "]}]}";
}

// "1 2 3", or the error.
std::string WeightText(const std::string& weight, const std::string& shard) {
  const auto graph = Parse(OneWeight(weight), {{"s", shard}});
  if (!graph.ok()) return graph.status().message();
  const Tensor& value = *graph->nodes[0].attrs.TensorOf("value");
  std::string text = Describe(value) + ":";
  for (int64_t i = 0; i < value.count(); ++i) {
    text += " ";
    text += value.dtype() == DType::kString
                ? value.as<std::string>()[i]
                : std::to_string(std::lround(LoadReal(value.dtype(), value.data(), i) * 100));
  }
  return text;
}

// A node's attributes.
Attrs AttrsOf(const std::string& attrs) {
  const auto graph = Parse(R"({"modelTopology": {"node": [{"name": "n", "op": "Op", "attr": )" + attrs +
                               R"(}]}, "weightsManifest": []})",
                           {});
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return graph.ok() ? graph->nodes[0].attrs : Attrs();
}

// The same attributes as protobuf writes them today and as the first converters did.
void ExpectAttributes(const Attrs& attrs) {
  EXPECT_EQ(attrs.String("padding"), "SAME");
  EXPECT_EQ(attrs.String("none"), "");
  EXPECT_EQ(attrs.Int("axis"), -3);
  EXPECT_EQ(attrs.Float("alpha"), 0.25F);
  EXPECT_EQ(attrs.Int("keep", 0), 1);
  EXPECT_EQ(attrs.Type("T"), DType::kF32);
  EXPECT_EQ(attrs.IntList("shape"), (Ints{-1, 3}));
  EXPECT_FALSE(attrs.Has("open"));
  EXPECT_EQ(attrs.IntList("strides"), (Ints{1, 2}));
  EXPECT_EQ(attrs.StringList("ops"), (Strings{"Hi"}));
  EXPECT_EQ(attrs.IntList("empty"), Ints{});
}

TEST(Tfjs, NewEncodingOfAttributes) {
  ExpectAttributes(AttrsOf(R"({
    "padding": {"s": "U0FNRQ=="}, "none": {"s": ""}, "axis": {"i": "-3"}, "alpha": {"f": 0.25}, "keep": {"b": true},
    "T": {"type": "DT_FLOAT"}, "shape": {"shape": {"dim": [{"size": "-1"}, {"size": "3"}]}},
    "open": {"shape": {"unknownRank": true}}, "strides": {"list": {"i": ["1", "2"]}},
    "ops": {"list": {"s": ["SGk="]}}, "empty": {"list": {}}})"));
}

TEST(Tfjs, OldEncodingOfAttributes) {
  ExpectAttributes(AttrsOf(R"({
    "padding": {"s": [83, 65, 77, 69]}, "none": {"s": []}, "axis": {"i": -3}, "alpha": {"f": 0.25}, "keep": {"b": true},
    "T": {"type": 1}, "shape": {"shape": {"dim": [{"size": -1}, {"size": 3}]}},
    "open": {"shape": {"dim": [], "unknownRank": true}},
    "strides": {"list": {"s": [], "i": [1, 2], "f": [], "b": [], "type": [], "shape": [], "tensor": []}},
    "ops": {"list": {"s": [[72, 105]], "i": []}}, "empty": {"list": {"s": [], "i": []}}})"));
}

TEST(Tfjs, NodesInputsAndVersion) {
  const auto graph = Parse(R"({"modelTopology": {"versions": {"producer": 38}, "node": [
      {"name": "a", "op": "Placeholder"}, {"name": "b", "op": "Split", "input": ["a", "a:1", "^a"]}]},
      "weightsManifest": []})",
                           {});
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->nodes[1].op, "Split");
  EXPECT_EQ(graph->nodes[1].inputs, (Strings{"a", "a:1", "^a"}));
  EXPECT_EQ(graph->version, 38);
}

TEST(Tfjs, WeightsOfEveryType) {
  EXPECT_EQ(WeightText(R"({"name": "w", "dtype": "float32", "shape": [2, 1]})", Bytes<float>({1, -0.5F})),
            "f32[2,1]: 100 -50");
  EXPECT_EQ(WeightText(R"({"name": "w", "dtype": "int32", "shape": []})", Bytes<int32_t>({-4})),
            "i32[]: -400");
  EXPECT_EQ(WeightText(R"({"name": "w", "dtype": "bool", "shape": [2]})", Bytes<uint8_t>({1, 0})),
            "bool[2]: 100 0");
  EXPECT_EQ(WeightText(R"({"name": "w", "dtype": "string", "shape": [2]})",
                       Bytes<uint32_t>({3}) + "cat" + Bytes<uint32_t>({0})),
            "string[2]: cat ");
}

TEST(Tfjs, QuantizedWeights) {
  const std::string scaled = R"(, "scale": 0.5, "min": -1}})";
  EXPECT_EQ(
      WeightText(
          R"({"name": "w", "dtype": "float32", "shape": [3], "quantization": {"dtype": "uint8")" + scaled,
          Bytes<uint8_t>({0, 1, 255})),
      "f32[3]: -100 -50 12650");
  EXPECT_EQ(
      WeightText(
          R"({"name": "w", "dtype": "float32", "shape": [2], "quantization": {"dtype": "uint16")" + scaled,
          Bytes<uint16_t>({2, 1000})),
      "f32[2]: 0 49900");
  // Rounded as JavaScript does: halves up.
  EXPECT_EQ(WeightText(
                R"({"name": "w", "dtype": "int32", "shape": [3], "quantization": {"dtype": "uint8")" + scaled,
                Bytes<uint8_t>({1, 3, 4})),
            "i32[3]: 0 100 100");
  EXPECT_EQ(
      WeightText(R"({"name": "w", "dtype": "float32", "shape": [2], "quantization": {"dtype": "float16"}})",
                 Bytes<uint16_t>({0x3c00, 0xb800})),
      "f32[2]: 100 -50");
}

TEST(Tfjs, TwoByteWeightsMayLieAtOddPlaces) {
  EXPECT_EQ(WeightText(R"({"name": "a", "dtype": "bool", "shape": [1]},
                          {"name": "w", "dtype": "float32", "shape": [1], "quantization": {"dtype": "float16"}})",
                       Bytes<uint8_t>({1}) + Bytes<uint16_t>({0x3c00})),
            "f32[1]: 100");
}

TEST(Tfjs, BadWeightsAreNamed) {
  const std::string ok = R"({"name": "w", "dtype": "float32", "shape": [2]})";
  EXPECT_EQ(WeightText(ok, Bytes<float>({1})),
            "model.json: weight 'w' [2] needs 8 bytes, its shards have 4 left");
  EXPECT_EQ(WeightText(ok, Bytes<float>({1, 2, 3})),
            "model.json: the shards of [\"s\"] have 12 bytes, their weights 8");
  EXPECT_EQ(WeightText(ok + "," + ok, Bytes<float>({1, 2, 3, 4})), "model.json: weight 'w' is listed twice");
  EXPECT_EQ(WeightText(R"({"name": "v", "dtype": "float32", "shape": [1]})", Bytes<float>({1})),
            "model.json: constant 'w' is not among the weights");
  EXPECT_EQ(WeightText(R"({"name": "w", "dtype": "float8", "shape": [1]})", ""),
            "model.json: weight 'w' has the unknown dtype 'float8'");
  EXPECT_EQ(WeightText(R"({"name": "w", "shape": [1]})", ""),
            "model.json: a weight lacks name, dtype or shape");
  EXPECT_THAT(
      WeightText(R"({"name": "w", "dtype": "float32", "shape": [1], "quantization": {"dtype": "int4"}})",
                 "1"),
      HasSubstr("weight 'w' of dtype f32 has a quantization that is not"));
  EXPECT_THAT(WeightText(R"({"name": "w", "dtype": "float32", "shape": [-2]})", ""), HasSubstr("-2"));
  EXPECT_THAT(WeightText(R"({"name": "w", "dtype": "string", "shape": [1]})", Bytes<uint32_t>({1000})),
              HasSubstr("weight 'w' runs past the shards"));
  EXPECT_THAT(WeightText(R"({"name": "w", "dtype": "uint8", "shape": [1099511627776]})", ""),
              HasSubstr("needs 1099511627776 bytes"));
}

TEST(Tfjs, AWeightMaySpanShards) {
  const auto graph = Parse(R"({"modelTopology": {"node": [{"name": "w", "op": "Const"}]}, "weightsManifest": [
      {"paths": ["s1", "s2"], "weights": [{"name": "w", "dtype": "float32", "shape": [1]}]}]})",
                           {{"s1", std::string("\0\0", 2)}, {"s2", "\x80\x3f"}});
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->nodes[0].attrs.TensorOf("value")->as<float>()[0], 1.0F);
}

TEST(Tfjs, MissingShardsAndPathsOutsideTheFolderAreRefused) {
  const std::string weight = R"({"name": "w", "dtype": "float32", "shape": [1]})";
  EXPECT_EQ(Parse(OneWeight(weight), {}).status().message(), "no file 's'");
  for (const char* path : {"../s", "/etc/passwd", "a/../../s", "a\\\\s", ""}) {
    std::string json = OneWeight(weight);
    json.replace(json.find("\"s\""), 3, "\"" + std::string(path) + "\"");
    EXPECT_THAT(Parse(json, {}).status().message(), HasSubstr("leaves the model's folder")) << path;
  }
}

TEST(Tfjs, ShardsStandBesideTheModel) {
  const std::string folder = testing::TempDir() + "tfjs_test";
  std::filesystem::create_directory(folder);
  const std::string path = folder + "/model.json";
  std::ofstream(path) << OneWeight(R"({"name": "w", "dtype": "float32", "shape": [1]})");
  std::filesystem::remove(folder + "/s");
  const Status missing = ReadTfjsModel(path).status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_THAT(missing.message(), HasSubstr(folder + "/s"));
  EXPECT_EQ(missing.hint(), "every shard listed in model.json must stand beside it");
  std::ofstream(folder + "/s", std::ios::binary) << Bytes<float>({2});
  const auto graph = ReadTfjsModel(path);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->nodes[0].attrs.TensorOf("value")->as<float>()[0], 2.0F);
  std::filesystem::remove_all(folder);
}

TEST(Tfjs, OtherFilesAreNamed) {
  const auto message = [](const std::string& json) { return Parse(json, {}).status().message(); };
  EXPECT_EQ(message("{\"modelTopology\": {\"no"), "model.json: not valid JSON");
  EXPECT_EQ(message("{}"), "model.json: has no modelTopology");
  EXPECT_EQ(message(R"({"modelTopology": {}})"), "model.json: modelTopology has no list of nodes");
  EXPECT_EQ(message(R"({"modelTopology": {"node": []}})"), "model.json: has no weightsManifest");
  EXPECT_EQ(message(R"({"modelTopology": {"node": [{"name": 3}]}})"), "model.json: a node has no name or op");
  EXPECT_EQ(message(R"({"modelTopology": {"node": [{"name": "a", "op": "b", "input": [1]}]}})"),
            "model.json: node 'a': an input is not a string");
  EXPECT_THAT(message(R"({"modelTopology": {"model_config": {}}})"),
              HasSubstr("a TF.js layers model (Keras)"));
}

TEST(Tfjs, FirstBytesTellAModel) {
  EXPECT_TRUE(LooksLikeTfjs(" \n{\"format\": \"graph-model\", \"modelTopology\": {}}"));
  EXPECT_FALSE(LooksLikeTfjs("{\"name\": \"package\"}"));
  EXPECT_FALSE(LooksLikeTfjs("modelTopology"));
}

}  // namespace
}  // namespace slipway::tensorflow
