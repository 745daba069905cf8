#include "server/protocol/infer_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PortInfo Port(std::string name, DType dtype, DimList dims) {
  return {std::move(name), Type::Of(dtype, std::move(dims)), {}};
}

// x: FP32[N,2]; label: BYTES[1].
std::vector<PortInfo> TwoPorts() {
  return {Port("x", DType::kF32, {Dim::Symbol("N"), 2}), Port("label", DType::kString, {1})};
}

std::vector<PortInfo> OnePort() { return {Port("x", DType::kF32, {Dim::Symbol("N"), 2})}; }

Result<InferRequest> Decode(const std::string& json, std::vector<PortInfo> ports = OnePort()) {
  return DecodeInferRequest(Body::Of(json), "", ports);
}

Result<InferRequest> DecodeBinary(const std::string& json, const std::string& bytes,
                                  std::vector<PortInfo> ports = OnePort()) {
  return DecodeInferRequest(Body::Of(json + bytes), std::to_string(json.size()), ports);
}

// One input "x" of [1,2] with `rest` in it, and `more` members of the request.
std::string With(const std::string& rest, const std::string& more = "") {
  return R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2])" + rest + "}]" + more + "}";
}

std::string ErrorOf(const Result<InferRequest>& result) { return result.status().message(); }

const std::string kData = R"(,"data":[1,2])";
const std::string kTwoFloats = std::string("\0\0\200\77\0\0\0\100", 8);  // 1, 2

TEST(InferRequestTest, Json) {
  const auto request = Decode(
      R"({"id":"7","model_name":"m","inputs":[{"data":["a"],"shape":[1],"datatype":"BYTES","name":"label"},)"
      R"({"name":"x","shape":[2,2],"datatype":"FP32","parameters":{},)"
      R"("data":[[1,2],[3,4.5]]}],"unknown":[{"x":[]}]})",
      TwoPorts());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->id, "7");
  EXPECT_TRUE(request->outputs.empty());
  EXPECT_FALSE(request->is_binary_default);
  ASSERT_EQ(request->inputs.size(), 2u);
  EXPECT_EQ(request->inputs[0].name, "x") << "in the order of the ports";
  EXPECT_EQ(request->inputs[0].tensor.dims(), (Dims{2, 2}));
  EXPECT_THAT(request->inputs[0].tensor.values<float>(), ElementsAre(1, 2, 3, 4.5));
  EXPECT_THAT(request->inputs[1].tensor.values<std::string>(), ElementsAre("a"));
}

TEST(InferRequestTest, BinaryInputsStandInTheOrderOfTheRequest) {
  const auto request = DecodeBinary(
      R"({"inputs":[{"name":"label","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}},)"
      R"({"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]})",
      std::string("\1\0\0\0a", 5) + kTwoFloats, TwoPorts());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_THAT(request->inputs[0].tensor.values<float>(), ElementsAre(1, 2));
  EXPECT_THAT(request->inputs[1].tensor.values<std::string>(), ElementsAre("a"));
}

TEST(InferRequestTest, AlignedBinaryInputsLieInTheBody) {
  std::string json = With(R"(,"parameters":{"binary_data_size":8})");
  json.resize((json.size() + 3) / 4 * 4, ' ');
  const Body body = Body::Of(json + kTwoFloats);
  const auto request = DecodeInferRequest(body, std::to_string(json.size()), OnePort());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->inputs[0].tensor.data(), body.data() + json.size());
}

TEST(InferRequestTest, JsonAndBinaryInputsMix) {
  const auto request =
      DecodeBinary(R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[3,4]},)"
                   R"({"name":"label","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":4}}]})",
                   std::string(4, '\0'), TwoPorts());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_THAT(request->inputs[0].tensor.values<float>(), ElementsAre(3, 4));
}

TEST(InferRequestTest, Outputs) {
  const auto request = Decode(
      With(kData,
           R"(,"outputs":[{"name":"a"},{"name":"b","parameters":{"binary_data":false,"classification":3}}],)"
           R"("parameters":{"binary_data_output":true})"));
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  ASSERT_EQ(request->outputs.size(), 2u);
  EXPECT_EQ(request->outputs[0].name, "a");
  EXPECT_TRUE(request->outputs[0].is_binary) << "what the request says of all, though it says so later";
  EXPECT_EQ(request->outputs[0].classes, 0);
  EXPECT_FALSE(request->outputs[1].is_binary);
  EXPECT_EQ(request->outputs[1].classes, 3);
}

TEST(InferRequestTest, Parameters) {
  const auto request = Decode(With(kData, R"(,"parameters":{"priority":2,"timeout":1500,"sequence_id":0,)"
                                          R"("sequence_start":false,"headers":{"a":1},"mine":[1]})"));
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->priority, 2u);
  EXPECT_EQ(request->timeout, std::chrono::microseconds(1500));
  const auto longest = Decode(With(kData, R"(,"parameters":{"timeout":18446744073709551615})"));
  ASSERT_TRUE(longest.ok());
  EXPECT_EQ(longest->timeout, std::chrono::hours(24 * 365));
}

TEST(InferRequestTest, NullIsAsIfLeftOut) {
  const auto request =
      Decode(With(kData + R"(,"parameters":null)", R"(,"id":null,"outputs":null,"parameters":null)"));
  EXPECT_TRUE(request.ok()) << request.status().ToString();
}

TEST(InferRequestTest, ParametersOfTheWrongKind) {
  const auto error = [](const std::string& parameters) {
    return ErrorOf(Decode(With(kData, ",\"parameters\":{" + parameters + "}")));
  };
  EXPECT_EQ(error(R"("timeout":-1)"), "parameters.timeout is no number from 0 to 2^64 - 1");
  EXPECT_EQ(error(R"("priority":1.5)"), "parameters.priority is no number from 0 to 2^64 - 1");
  EXPECT_EQ(error(R"("binary_data_output":1)"), "parameters.binary_data_output is no true or false");
}

TEST(InferRequestTest, WhatIsLeftOutIsRefused) {
  const auto sequence = Decode(With(kData, R"(,"parameters":{"sequence_id":5})")).status();
  EXPECT_EQ(sequence.code(), Code::kUnsupported);
  EXPECT_THAT(sequence.message(), HasSubstr("sequence_id"));
  EXPECT_EQ(Decode(With(kData, R"(,"parameters":{"sequence_id":"a"})")).status().code(), Code::kUnsupported);
  const auto memory = Decode(With(R"(,"parameters":{"shared_memory_region":"r"})")).status();
  EXPECT_EQ(memory.code(), Code::kUnsupported);
  EXPECT_THAT(memory.message(), HasSubstr("inputs[0].parameters: shared memory"));
}

TEST(InferRequestTest, InputsAreTheModels) {
  EXPECT_EQ(ErrorOf(Decode(R"({"inputs":[{"name":"y"}]})")), "the model has no input 'y'");
  EXPECT_EQ(ErrorOf(Decode(R"({"inputs":[]})")), "input 'x' is missing");
  EXPECT_EQ(ErrorOf(Decode("{}")), "input 'x' is missing");
  EXPECT_EQ(ErrorOf(Decode(R"({"inputs":[{"shape":[]}]})")), "inputs[0] has no name");
  const std::string x = R"({"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]})";
  EXPECT_EQ(ErrorOf(Decode(R"({"inputs":[)" + x + "," + x + "]}", TwoPorts())), "input 'x' is given twice");
  EXPECT_EQ(ErrorOf(Decode(R"({"inputs":[)" + x + "," + x + "]}")),
            "there are more inputs than the model has: 1");
  EXPECT_EQ(ErrorOf(Decode(With(kData, R"(,"outputs":[{"name":"a"},{"name":"b"},{"name":"a"}])"))),
            "output 'a' is asked for twice");
}

TEST(InferRequestTest, TypesAreTheModels) {
  const auto error = [](const std::string& datatype, const std::string& shape) {
    return ErrorOf(Decode(R"({"inputs":[{"name":"x","data":[1,2],"datatype":")" + datatype + R"(","shape":)" +
                          shape + "}]}"));
  };
  EXPECT_EQ(error("FP64", "[1,2]"), "input 'x': datatype is FP64, the model takes FP32[N,2]");
  EXPECT_EQ(error("float", "[1,2]"), "input 'x': 'float' is no datatype");
  EXPECT_EQ(error("", "[1,2]"), "input 'x': it has no datatype");
  EXPECT_EQ(error("FP32", "[2]"), "input 'x': shape is [2], the model takes FP32[N,2]");
  EXPECT_EQ(error("FP32", "[1,3]"), "input 'x': shape is [1,3], the model takes FP32[N,2]");
  EXPECT_EQ(error("FP32", "[-1,2]"), "input 'x': shape [-1,2] has a negative dimension");
  EXPECT_EQ(error("FP32", "[1.5,2]"), "inputs[0].shape[0] is no integer");
  EXPECT_EQ(error("FP32", "[99999999999999999999,2]"), "inputs[0].shape[0] is no integer");
  EXPECT_THAT(error("FP32", "[9223372036854775807,2]"), HasSubstr("too large"));
  EXPECT_EQ(error("FP32", "7"), "inputs[0].shape is no array");
}

TEST(InferRequestTest, ShapesHaveALimit) {
  std::string shape = "[1";
  for (int i = 0; i < 100'000; ++i) shape += ",1";
  EXPECT_EQ(ErrorOf(Decode(R"({"inputs":[{"name":"x","shape":)" + shape + "]}]}")),
            "inputs[0].shape has more than 32 dimensions");
}

TEST(InferRequestTest, PortsWithoutAFormAreUnsupported) {
  const auto status = Decode(With(kData), {Port("x", DType::kI4, {1, 2})}).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  PortInfo sequence = Port("x", DType::kF32, {1, 2});
  sequence.type.kind = TypeKind::kSequence;
  EXPECT_EQ(Decode(With(kData), {sequence}).status().code(), Code::kUnsupported);
}

TEST(InferRequestTest, ElementsAreSaidOnce) {
  EXPECT_EQ(ErrorOf(Decode(With(""))), "input 'x': it has neither data nor the parameter binary_data_size");
  EXPECT_EQ(ErrorOf(DecodeBinary(With(kData + R"(,"parameters":{"binary_data_size":8})"), kTwoFloats)),
            "input 'x': it has both data and the parameter binary_data_size");
  EXPECT_EQ(ErrorOf(Decode(With(R"(,"data":{"a":1})"))), "inputs[0].data is no array");
  EXPECT_EQ(ErrorOf(Decode(With(R"(,"data":[1])"))),
            "input 'x': shape [1,2] holds 2 elements, data has fewer");
}

TEST(InferRequestTest, BinarySizesMustAgree) {
  const auto decode = [](const std::string& size, const std::string& bytes) {
    return ErrorOf(DecodeBinary(With(R"(,"parameters":{"binary_data_size":)" + size + "}"), bytes));
  };
  EXPECT_EQ(decode("8", kTwoFloats), "");
  EXPECT_EQ(decode("8", "1234"), "input 'x': binary_data_size is 8, the body has 4 bytes left");
  EXPECT_EQ(decode("4", "1234"), "input 'x': FP32[1,2] takes 8 bytes, binary data has 4");
  EXPECT_EQ(decode("8", kTwoFloats + "z"), "the body has 1 bytes behind the JSON that are of no input");
  EXPECT_THAT(decode("18446744073709551615", kTwoFloats), HasSubstr("the body has 8 bytes left"));
  EXPECT_THAT(decode("-8", kTwoFloats), HasSubstr("binary_data_size is no number"));
  EXPECT_THAT(decode("\"8\"", kTwoFloats), HasSubstr("binary_data_size is no number"));
  EXPECT_THAT(ErrorOf(Decode(With(R"(,"parameters":{"binary_data_size":8})") + kTwoFloats)),
              HasSubstr("no valid JSON"));
}

TEST(InferRequestTest, HeaderLengths) {
  const std::string json = With(kData);
  const auto error = [&](std::string_view header) {
    return ErrorOf(DecodeInferRequest(Body::Of(json), header, OnePort()));
  };
  EXPECT_EQ(error(std::to_string(json.size())), "");
  EXPECT_EQ(error("1000"), "header Inference-Header-Content-Length is 1000, the body has " +
                               std::to_string(json.size()) + " bytes");
  for (const char* header : {"-1", "x", "8x", " 8", "99999999999999999999", "0x10"})
    EXPECT_THAT(error(header), HasSubstr("no length")) << header;
  EXPECT_THAT(error(std::to_string(json.size() - 1)), HasSubstr("JSON"));
}

TEST(InferRequestTest, RawBodiesAreTheOnlyInput) {
  const Body body = Body::Of(kTwoFloats);
  const auto request = DecodeInferRequest(body, "0", OnePort());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_TRUE(request->is_binary_default);
  EXPECT_EQ(request->inputs[0].name, "x");
  EXPECT_EQ(request->inputs[0].tensor.dims(), (Dims{1, 2}));
  EXPECT_EQ(request->inputs[0].tensor.data(), body.data());
}

TEST(InferRequestTest, RawStringsNeedNoLength) {
  const std::vector<PortInfo> port = {Port("s", DType::kString, {Dim::Symbol("N"), 1})};
  const auto request = DecodeInferRequest(Body::Of("\377\330jpeg"), "0", port);
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_THAT(request->inputs[0].tensor.values<std::string>(), ElementsAre("\377\330jpeg"));
  EXPECT_THAT(ErrorOf(DecodeInferRequest(Body::Of("a"), "0", std::vector{Port("s", DType::kString, {2})})),
              HasSubstr("one string"));
}

TEST(InferRequestTest, RawBodiesNeedAModelThatTellsTheirShape) {
  const auto error = [](std::vector<PortInfo> ports) {
    return ErrorOf(DecodeInferRequest(Body::Of("123"), "0", ports));
  };
  EXPECT_EQ(error(OnePort()), "input 'x': FP32[1,2] takes 8 bytes, binary data has 3");
  EXPECT_EQ(error(TwoPorts()), "a raw request carries one input, the model has 2");
  EXPECT_THAT(error({Port("x", DType::kU8, {1, Dim::Symbol("W")})}), HasSubstr("UINT8[1,W], whose shape"));
  EXPECT_THAT(error({{"x", Type::OfUnknownShape(DType::kU8), {}}}), HasSubstr("whose shape"));
}

TEST(InferRequestTest, BrokenJson) {
  for (const char* json : {"",
                           " ",
                           "[]",
                           "1",
                           "null",
                           "\"inputs\"",
                           "{",
                           "{\"inputs\":",
                           "{\"inputs\":[}",
                           "{\"inputs\":[{]}",
                           "{\"inputs\" 1}",
                           "{inputs:[]}",
                           "{\"inputs\":[]}{}",
                           "{\"inputs\":[]} x",
                           "{\"inputs\":{}}",
                           "{\"inputs\":[1]}",
                           "{\"id\":1}",
                           "{\"id\":\"\xFF\"}",
                           "{\"id\":\"a",
                           "{\"id\":\"\\u12\"}",
                           "{\"parameters\":[]}",
                           "{\"outputs\":[{}]}",
                           "{\"outputs\":\"a\"}"}) {
    const auto result = Decode(json, {});
    EXPECT_EQ(result.status().code(), Code::kInvalidInput) << json;
  }
}

TEST(InferRequestTest, DeepNestingIsRefused) {
  const std::string deep(1 << 20, '[');
  EXPECT_FALSE(Decode(deep).ok());
  EXPECT_FALSE(Decode(With(",\"data\":" + deep)).ok());
  EXPECT_FALSE(Decode("{\"inputs\":" + deep).ok());
  EXPECT_FALSE(Decode(With(",\"data\":" + deep + std::string(1 << 20, ']'))).ok());
}

TEST(InferRequestTest, LargeAndSmallTextsFollowEachOther) {
  const std::string large = With(kData, ",\"unknown\":\"" + std::string(size_t{5} << 20, 'a') + "\"");
  EXPECT_TRUE(Decode(large).ok());
  EXPECT_TRUE(Decode(With(kData)).ok());
}

}  // namespace
}  // namespace slipway::server
