#include "server/grpc/convert.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include "server/grpc/wire.h"

namespace slipway::server {
namespace {

using inference::ModelInferRequest;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::shared_ptr<ModelInferRequest> RequestOf(const std::string& datatype) {
  auto request = std::make_shared<ModelInferRequest>();
  request->set_model_name("m");
  auto& input = *request->add_inputs();
  input.set_name("x");
  input.set_datatype(datatype);
  input.add_shape(2);
  return request;
}

inference::InferTensorContents& ContentsOf(ModelInferRequest& request) {
  return *request.mutable_inputs(0)->mutable_contents();
}

std::string TextOf(const std::shared_ptr<ModelInferRequest>& request) {
  const auto call = CallOf(request);
  if (!call.ok()) return "error: " + call.status().message();
  const auto& bytes = call->inputs[0].bytes;
  return {bytes.begin(), bytes.end()};
}

TEST(ConvertTest, RawElementsLieInTheRequestAndKeepIt) {
  auto request = RequestOf("FP32");
  request->add_raw_input_contents("12345678");
  const void* const at = request->raw_input_contents(0).data();
  const std::weak_ptr<ModelInferRequest> seen = request;
  auto call = CallOf(std::move(request));
  ASSERT_TRUE(call.ok()) << call.status().ToString();
  EXPECT_EQ(call->inputs[0].bytes.data(), at);
  EXPECT_FALSE(seen.expired());
  call->owner.reset();
  EXPECT_TRUE(seen.expired());
}

TEST(ConvertTest, ElementsOfTheSameWidthLieInTheRequest) {
  auto request = RequestOf("INT64");
  ContentsOf(*request).add_int64_contents(1);
  const void* const at = ContentsOf(*request).int64_contents().data();
  const auto call = CallOf(request);
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(call->inputs[0].bytes.data(), at);
  EXPECT_EQ(call->inputs[0].bytes.size(), 8u);
}

TEST(ConvertTest, NarrowElementsAndStringsAreWrittenOut) {
  auto request = RequestOf("INT16");
  ContentsOf(*request).add_int_contents(-2);
  ContentsOf(*request).add_int_contents(258);
  EXPECT_EQ(TextOf(request), "\xFE\xFF\x02\x01");
  request = RequestOf("UINT8");
  ContentsOf(*request).add_uint_contents(255);
  EXPECT_EQ(TextOf(request), "\xFF");
  request = RequestOf("BYTES");
  ContentsOf(*request).add_bytes_contents("ab");
  ContentsOf(*request).add_bytes_contents("");
  EXPECT_EQ(TextOf(request), std::string("\2\0\0\0ab\0\0\0\0", 10));
}

TEST(ConvertTest, ElementsOutOfRangeAreNamed) {
  auto request = RequestOf("UINT8");
  ContentsOf(*request).add_uint_contents(1);
  ContentsOf(*request).add_uint_contents(256);
  EXPECT_EQ(TextOf(request), "error: input 'x': element 1 is 256, out of range");
  request = RequestOf("INT8");
  ContentsOf(*request).add_int_contents(-129);
  EXPECT_EQ(TextOf(request), "error: input 'x': element 0 is -129, out of range");
}

TEST(ConvertTest, ElementsInTwoPlacesOrTheWrongOneAreRefused) {
  auto request = RequestOf("FP16");
  ContentsOf(*request).add_fp32_contents(1);
  EXPECT_THAT(TextOf(request), HasSubstr("not for FP16"));
  request = RequestOf("FP32");
  ContentsOf(*request).add_fp32_contents(1);
  ContentsOf(*request).add_fp64_contents(1);
  EXPECT_THAT(TextOf(request), HasSubstr("not for FP32"));
  request->add_raw_input_contents("1234");
  EXPECT_THAT(TextOf(request), HasSubstr("has contents beside raw_input_contents"));
  request->add_raw_input_contents("1234");
  EXPECT_THAT(TextOf(request), HasSubstr("raw_input_contents has 2 entries for 1 inputs"));
}

TEST(ConvertTest, Parameters) {
  auto request = RequestOf("FP32");
  auto& parameters = *request->mutable_parameters();
  parameters["flag"].set_bool_param(true);
  parameters["most"].set_uint64_param(UINT64_MAX);
  parameters["text"].set_string_param("a");
  parameters["none"];
  const auto call = CallOf(request);
  ASSERT_TRUE(call.ok());
  using P = Parameters::value_type;
  EXPECT_THAT(call->parameters,
              UnorderedElementsAre(P("flag", true), P("most", INT64_MAX), P("text", std::string("a"))));
}

TEST(ConvertTest, AnswersAreRaw) {
  InferAnswer answer{.model_name = "m", .model_version = "2", .id = "7"};
  answer.parameters.emplace_back("last", true);
  answer.outputs.push_back({"y", "INT8", {2}, "ab"});
  inference::ModelInferResponse response;
  FillResponse(std::move(answer), response);
  EXPECT_EQ(response.ShortDebugString(),
            "model_name: \"m\" model_version: \"2\" id: \"7\" "
            "parameters { key: \"last\" value { bool_param: true } } "
            "outputs { name: \"y\" datatype: \"INT8\" shape: 2 } raw_output_contents: \"ab\"");
}

grpc::ByteBuffer BufferOf(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

TEST(WireTest, WhatIsWrittenIsRead) {
  const auto request = RequestOf("FP32");
  const auto bytes = WriteMessage(*request);
  ASSERT_TRUE(bytes.ok());
  ModelInferRequest read;
  ASSERT_TRUE(ReadMessage(*bytes, read).ok());
  EXPECT_EQ(read.ShortDebugString(), request->ShortDebugString());
}

TEST(WireTest, ManyPartsAreRefusedBeforeTheyAreMade) {
  std::string inputs;
  for (int i = 0; i < 1'000'000; ++i) inputs += std::string("\x2A\0", 2);
  ModelInferRequest read;
  EXPECT_THAT(ReadMessage(BufferOf(inputs), read).message(), HasSubstr("too many parts"));
  inputs.resize(2000);
  EXPECT_TRUE(ReadMessage(BufferOf(inputs), read).ok());
  EXPECT_EQ(read.inputs_size(), 1000);
}

// Seeded: flips, cuts and repeats bytes of a request that has some of everything.
TEST(WireTest, BrokenBytesAreAnErrorAndNoMore) {
  auto request = RequestOf("BYTES");
  (*request->mutable_parameters())["priority"].set_int64_param(1);
  (*request->mutable_inputs(0)->mutable_parameters())["a"].set_string_param("b");
  ContentsOf(*request).add_bytes_contents("ab");
  (*request->add_outputs()->mutable_parameters())["classification"].set_int64_param(3);
  google::protobuf::SetLogHandler(nullptr);  // it tells of every text that is no UTF-8
  const std::string whole = request->SerializeAsString();
  uint32_t random = 1;
  const auto next = [&random](size_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
  };
  for (int i = 0; i < 20'000; ++i) {
    std::string text = whole;
    for (size_t n = next(4); n > 0; --n) text[next(text.size())] = static_cast<char>(next(256));
    if (next(4) == 0) text.resize(next(text.size()));
    if (next(4) == 0) text += text;
    auto read = std::make_shared<ModelInferRequest>();
    if (!ReadMessage(BufferOf(text), *read).ok()) continue;
    const auto call = CallOf(read);
    EXPECT_TRUE(!call.ok() || call->inputs.size() == static_cast<size_t>(read->inputs_size()));
  }
}

}  // namespace
}  // namespace slipway::server
