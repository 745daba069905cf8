#include <gtest/gtest.h>

#include "ops/testing.h"

namespace slipway {
namespace {

// "[0] [2] ...": the elements of what SequenceSet makes of a sequence of these elements, or the error.
std::string Set(std::vector<Tensor> sequence, const Tensor& item, int64_t position, int64_t grows = 0) {
  Graph graph;
  GraphBuilder builder(graph);
  Type type;
  type.kind = TypeKind::kSequence;
  type.dtype = DType::kF32;
  const ValueId list = builder.Input("list", type);
  const ValueId value = builder.Input("item", Type::OfUnknownShape(DType::kF32));
  const ValueId at = builder.Input("at", Type::Of(DType::kI64, {}));
  const auto result = builder.Add("SequenceSet", {list, value, at}, {{"grows", grows}});
  if (!result.ok()) return result.status().message();
  graph.outputs = {*result};
  Tensor index(DType::kI64, {});
  *index.as<int64_t>() = position;
  const std::vector<Datum> inputs = {Datum::Of(std::move(sequence)), Datum::Of(item), Datum::Of(index)};
  const auto outputs = Interpret(graph, inputs);
  if (!outputs.ok()) return outputs.status().message();
  std::string text;
  for (const Tensor& tensor : *outputs->at(0).sequence) {
    text += text.empty() ? "" : " ";
    for (int64_t i = 0; i < tensor.count(); ++i)
      text += std::to_string(static_cast<int>(tensor.as<float>()[i]));
    if (tensor.count() == 0) text += "-";
  }
  return text;
}

Tensor Floats(const std::vector<float>& values) {
  return Tensor::From<float>(DType::kF32, {static_cast<int64_t>(values.size())}, values);
}

TEST(SequenceSet, ReplacesAndFillsWhatHoldsNothing) {
  const Tensor nothing(DType::kF32, {0});
  EXPECT_EQ(Set({Floats({1}), Floats({2})}, Floats({7, 8}), 1), "1 78");
  EXPECT_EQ(Set({Floats({1}), Floats({2})}, Floats({7}), -2), "7 2");
  EXPECT_EQ(Set({nothing, nothing, nothing}, Floats({7, 8}), 1), "00 78 00");
  EXPECT_EQ(Set({nothing, Floats({1})}, nothing, 1), "- -");
}

TEST(SequenceSet, GrowsWhereItMay) {
  EXPECT_EQ(Set({}, Floats({7}), 2, 1), "0 0 7");
  EXPECT_EQ(Set({Floats({1})}, Floats({7}), 1),
            "SequenceSet 'SequenceSet': position 1 is outside a sequence of 1");
  EXPECT_NE(Set({}, Floats({7}), int64_t{1} << 40, 1).find("is outside a sequence of 0"), std::string::npos);
}

}  // namespace
}  // namespace slipway
