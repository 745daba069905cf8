// What operators keep to themselves becomes states of the graph.
#include "formats/tflite/own_states.h"

#include <flatbuffers/flexbuffers.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tflite/test_model.h"
#include "ops/run.h"

namespace slipway {
namespace {

using testing::HasSubstr;
using tflite::TestModel;
namespace fb = tflite::fb;

// x of `extent` samples, and later by `delay`.
Result<ImportedModel> ImportDelay(int32_t extent, int64_t delay, const ImportOptions& options = {}) {
  flexbuffers::Builder attributes;
  attributes.Map([&] { attributes.Int("delay_length", delay); });
  attributes.Finish();
  TestModel model;
  const uint32_t code = model.AddCode(fb::BuiltinOperator::CUSTOM, "SignalDelay");
  const int x = model.AddTensor("x", {extent}, fb::TensorType::INT16);
  const int y = model.AddTensor("y", {extent}, fb::TensorType::INT16);
  model.AddOperator(code, {x}, {y}, fb::BuiltinOptions::NONE, 0, attributes.GetBuffer());
  model.EndSubGraph({x}, {y});
  auto bytes = std::make_shared<const std::vector<uint8_t>>(model.Finish());
  return ImportTflite({bytes->data(), bytes->size()}, bytes, options);
}

TEST(TfliteOwnStates, AreInputsAndOutputsMore) {
  const auto model = ImportDelay(3, 2);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const Graph& graph = model->graph;
  ASSERT_EQ(graph.states.size(), 1u);
  EXPECT_EQ(ToString(graph.value(graph.inputs.at(1)).type), "i16[2]");
  EXPECT_EQ(graph.value(graph.inputs.at(1)).name, "y/past");
  const std::vector<int16_t> samples = {1, 2, 3};
  const std::vector<Datum> inputs = {Datum::Of(Tensor::From<int16_t>(DType::kI16, {3}, samples)),
                                     Datum::Of(graph.states[0])};
  const auto outputs = Interpret(graph, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
  EXPECT_THAT((*outputs)[0].tensor.values<int16_t>(), testing::ElementsAre(0, 0, 1));
  EXPECT_THAT((*outputs)[1].tensor.values<int16_t>(), testing::ElementsAre(2, 3));
}

TEST(TfliteOwnStates, AreBounded) {
  EXPECT_THAT(ImportDelay(3, -1).status().message(), HasSubstr("has delay_length -1; 0 is the least"));
  EXPECT_THAT(ImportDelay(3, int64_t{1} << 40).status().message(), HasSubstr("has delay_length"));
}

TEST(TfliteOwnStates, NeedAKnownShape) {
  ImportOptions options;
  options.inputs = {{"x", DimList{Dim::Symbol("n")}}};
  const Status status = ImportDelay(3, 2, options).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("keeps part of its operand from run to run, and that is i16[n]"));
}

}  // namespace
}  // namespace slipway
