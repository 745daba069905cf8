#include "server/protocol/infer_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/protocol/binary_data.h"

namespace slipway::server {
namespace {

using testing::HasSubstr;

template <class T>
Tensor Of(DType dtype, Dims dims, std::initializer_list<T> values) {
  return Tensor::From<T>(dtype, std::move(dims), std::span(values.begin(), values.size()));
}

InferReply ReplyOf(std::vector<ReplyOutput> outputs) {
  InferReply reply;
  reply.model_name = "m";
  reply.model_version = "1";
  reply.outputs = std::move(outputs);
  return reply;
}

TEST(InferResponseTest, Json) {
  Tensor text(DType::kString, {1});
  *text.as<std::string>() = "a\"";
  InferReply reply = ReplyOf({{"y", Of<float>(DType::kF32, {1, 2}, {1, 0.1F})},
                              {"b", Of<bool>(DType::kBool, {2}, {true, false})},
                              {"i", Of<int8_t>(DType::kI8, {0}, {})},
                              {"s", text}});
  reply.id = "7";
  reply.parameters = {{"warm", true}, {"runs", int64_t{3}}, {"note", "x"}};
  const Response response = EncodeInferResponse(reply);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_FALSE(response.headers.Has(kInferenceHeaderLength));
  EXPECT_EQ(
      response.body,
      R"({"model_name":"m","model_version":"1","id":"7","parameters":{"warm":true,"runs":3,"note":"x"},)"
      R"("outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[1,0.1]},)"
      R"({"name":"b","datatype":"BOOL","shape":[2],"data":[true,false]},)"
      R"({"name":"i","datatype":"INT8","shape":[0],"data":[]},)"
      R"({"name":"s","datatype":"BYTES","shape":[1],"data":["a\""]}]})");
}

TEST(InferResponseTest, BinaryOutputsStandBehindTheJson) {
  Tensor text(DType::kString, {1});
  *text.as<std::string>() = "ab";
  const Response response =
      EncodeInferResponse(ReplyOf({{"h", Of<uint16_t>(DType::kF16, {1}, {0x3C00}), true},
                                   {"j", Of<int32_t>(DType::kI32, {1}, {5})},
                                   {"s", text, true}}));
  EXPECT_EQ(response.content_type, "application/octet-stream");
  const std::string json =
      R"({"model_name":"m","model_version":"1","outputs":[)"
      R"({"name":"h","datatype":"FP16","shape":[1],"parameters":{"binary_data_size":2}},)"
      R"({"name":"j","datatype":"INT32","shape":[1],"data":[5]},)"
      R"({"name":"s","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}}]})";
  EXPECT_EQ(response.headers.Get(kInferenceHeaderLength), std::to_string(json.size()));
  EXPECT_EQ(response.body, json + std::string("\0\x3C\2\0\0\0ab", 8));
}

TEST(InferResponseTest, Classes) {
  const std::vector<std::string> labels = {"cat", "dog"};
  const Tensor scores = Of<float>(DType::kF32, {1, 3}, {0.5F, 0.25F, 4});
  const Response json = EncodeInferResponse(ReplyOf({{"y", scores, false, 2, labels}}));
  EXPECT_THAT(json.body, HasSubstr(R"("datatype":"BYTES","shape":[1,2],"data":["4:2","0.5:0:cat"])"));
  const Response binary = EncodeInferResponse(ReplyOf({{"y", scores, true, 1, labels}}));
  EXPECT_THAT(binary.body, HasSubstr(R"("shape":[1,1],"parameters":{"binary_data_size":7})"));
  EXPECT_TRUE(binary.body.ends_with(std::string("\3\0\0\0004:2", 7)));
}

TEST(InferResponseTest, WhatHasNoFormIsAnError) {
  const Response half = EncodeInferResponse(ReplyOf({{"y", Tensor(DType::kBF16, {1})}}));
  EXPECT_EQ(half.status, 400);
  EXPECT_EQ(
      half.body,
      R"x({"error":"output 'y': BF16 has no form in JSON (ask for it with the parameter binary_data)"})x");
  EXPECT_EQ(EncodeInferResponse(ReplyOf({{"y", Tensor(DType::kI4, {2}), true}})).status, 501);
  EXPECT_EQ(EncodeInferResponse(ReplyOf({{"y", Tensor(DType::kString, {2}), true, 1}})).status, 400);
}

TEST(InferResponseTest, StringsThatAreNoUtf8AreMended) {
  Tensor text(DType::kString, {1});
  *text.as<std::string>() = "\xFF";
  EXPECT_THAT(EncodeInferResponse(ReplyOf({{"s", text}})).body, HasSubstr("[\"\xEF\xBF\xBD\"]"));
}

TEST(InferResponseTest, EmptyBinaryOutputs) {
  const Response response = EncodeInferResponse(ReplyOf({{"y", Tensor(DType::kF32, {0, 3}), true}}));
  EXPECT_EQ(response.headers.Get(kInferenceHeaderLength), std::to_string(response.body.size()));
}

}  // namespace
}  // namespace slipway::server
