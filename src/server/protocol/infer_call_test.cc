#include "server/protocol/infer_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace slipway::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<PortInfo> OnePort() { return {{"x", Type::Of(DType::kF32, {Dim::Symbol("N"), Dim(2)}), {}}}; }

std::span<const uint8_t> BytesOf(std::span<const float> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

constexpr std::array<float, 4> kValues = {1, 2, 3, 4};

InferCall CallOf(std::span<const uint8_t> bytes) {
  InferCall call;
  call.inputs.push_back({"x", "FP32", {2, 2}, {}, bytes});
  return call;
}

std::string ErrorOf(const InferCall& call) {
  const auto request = DecodeInferCall(call, OnePort());
  return request.ok() ? "OK" : request.status().message();
}

TEST(InferCallTest, TensorsLieInTheCall) {
  const auto request = DecodeInferCall(CallOf(BytesOf(kValues)), OnePort());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->inputs[0].tensor.data(), kValues.data());
  EXPECT_EQ(request->inputs[0].tensor.dims(), (Dims{2, 2}));
}

TEST(InferCallTest, UnalignedBytesAreReadAllTheSame) {
  std::vector<uint8_t> bytes(1 + sizeof(kValues));
  std::memcpy(bytes.data() + 1, kValues.data(), sizeof(kValues));
  const auto request = DecodeInferCall(CallOf(std::span(bytes).subspan(1)), OnePort());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_THAT(request->inputs[0].tensor.values<float>(), ElementsAre(1, 2, 3, 4));
}

TEST(InferCallTest, TensorsKeepTheOwner) {
  InferCall call = CallOf(BytesOf(kValues));
  auto owner = std::make_shared<int>(1);
  call.owner = owner;
  auto request = DecodeInferCall(call, OnePort());
  ASSERT_TRUE(request.ok());
  call = {};
  EXPECT_EQ(owner.use_count(), 2);
}

TEST(InferCallTest, ParametersAndOutputs) {
  InferCall call = CallOf(BytesOf(kValues));
  call.id = "7";
  call.parameters = {{"priority", int64_t{2}},
                     {"timeout", int64_t{1500}},
                     {"sequence_id", int64_t{0}},
                     {"mine", std::string("text")}};
  call.outputs = {{"a", {}}, {"b", {{"classification", int64_t{3}}}}};
  const auto request = DecodeInferCall(call, OnePort());
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->id, "7");
  EXPECT_EQ(request->priority, 2u);
  EXPECT_EQ(request->timeout, std::chrono::microseconds(1500));
  ASSERT_EQ(request->outputs.size(), 2u);
  EXPECT_TRUE(request->outputs[0].is_binary);
  EXPECT_EQ(request->outputs[0].classes, 0);
  EXPECT_EQ(request->outputs[1].classes, 3);
}

TEST(InferCallTest, ErrorsNameTheInput) {
  const InferCall right = CallOf(BytesOf(kValues));
  InferCall call = right;
  call.inputs[0].datatype = "INT32";
  EXPECT_THAT(ErrorOf(call), HasSubstr("input 'x': datatype is INT32, the model takes FP32[N,2]"));
  call = right;
  call.inputs[0].shape = {4};
  EXPECT_THAT(ErrorOf(call), HasSubstr("input 'x': shape is [4], the model takes FP32[N,2]"));
  call = right;
  call.inputs[0].shape.assign(40, 1);
  EXPECT_THAT(ErrorOf(call), HasSubstr("more than 32 dimensions"));
  call = right;
  call.inputs[0].bytes = call.inputs[0].bytes.first(15);
  EXPECT_THAT(ErrorOf(call), HasSubstr("input 'x': FP32[2,2] takes 16 bytes, binary data has 15"));
  call = right;
  call.inputs.push_back(call.inputs[0]);
  EXPECT_THAT(ErrorOf(call), HasSubstr("input 'x' is given twice"));
  call.inputs.clear();
  EXPECT_THAT(ErrorOf(call), HasSubstr("input 'x' is missing"));
}

TEST(InferCallTest, WhatIsNotThereIsRefused) {
  const InferCall right = CallOf(BytesOf(kValues));
  InferCall call = right;
  call.parameters = {{"sequence_id", std::string("a")}};
  EXPECT_THAT(ErrorOf(call), HasSubstr("sequences are not supported"));
  call.parameters = {{"priority", int64_t{-1}}};
  EXPECT_THAT(ErrorOf(call), HasSubstr("parameters.priority is no number from 0"));
  call = right;
  call.inputs[0].parameters = {{"shared_memory_region", std::string("r")}};
  EXPECT_THAT(ErrorOf(call), HasSubstr("shared memory is not supported"));
  call = right;
  call.outputs = {{"a", {}}, {"a", {}}};
  EXPECT_THAT(ErrorOf(call), HasSubstr("output 'a' is asked for twice"));
}

TEST(InferCallTest, AnswersAreBytes) {
  InferReply reply{"m", "3", "7", {}, {}};
  reply.outputs.push_back({"y", Tensor::From<float>(DType::kF32, {2}, std::array<float, 2>{1, 2})});
  const std::vector<std::string> labels = {"cat", "dog"};
  reply.outputs.push_back({"c", reply.outputs[0].tensor, true, 1, labels});
  const auto answer = EncodeInferAnswer(reply);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->model_name + answer->model_version + answer->id, "m37");
  EXPECT_EQ(answer->outputs[0].datatype, "FP32");
  EXPECT_EQ(answer->outputs[0].bytes, std::string("\0\0\x80\x3F\0\0\0\x40", 8));
  EXPECT_EQ(answer->outputs[1].datatype, "BYTES");
  EXPECT_EQ(answer->outputs[1].shape, (Dims{1}));
  EXPECT_EQ(answer->outputs[1].bytes, std::string("\x07\0\0\0", 4) + "2:1:dog");
}

}  // namespace
}  // namespace slipway::server
