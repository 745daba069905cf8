// Hand-checked numbers of onnxruntime's fused operators that its CPU kernels do not have, or not in this
// form; the others are held against onnxruntime by tests/oracles/onnx_contrib.py.
#include "ops/import.h"
#include "ops/testing.h"

namespace slipway {
namespace {

using std::string;

TestValue F32(Dims dims, std::vector<double> values) {
  return {DType::kF32, std::move(dims), std::move(values)};
}
TestValue I32(Dims dims, std::vector<double> values) {
  return {DType::kI32, std::move(dims), std::move(values)};
}
const TestValue kAbsent{.is_absent = true};

// The first output of a com.microsoft operator as one line, or the error.
string ImportAndShow(const string& op, const std::vector<TestValue>& inputs, Attrs attrs = {}) {
  Graph graph;
  GraphBuilder builder(graph);
  ForeignNode node;
  node.op = op;
  node.domain = "com.microsoft";
  node.name = "node";
  node.attrs = std::move(attrs);
  node.outputs = {Value{.name = "y"}};
  std::vector<Datum> data;
  for (const TestValue& input : inputs) {
    node.inputs.push_back(kNoValue);
    if (input.is_absent) continue;
    node.inputs.back() = builder.Input("x", Type::Of(input.dtype, ToDimList(input.dims)));
    data.push_back(Datum::Of(ToTensor(input)));
  }
  const auto values = ImportNode(node, builder);
  if (!values.ok()) return values.status().message();
  graph.outputs = {(*values)[0]};
  const auto results = Interpret(graph, data);
  return results.ok() ? Show((*results)[0].tensor) : results.status().message();
}

// With this scale a match outweighs a miss three to one.
constexpr float kLn3 = 1.0986123F;

TEST(MultiHeadAttentionTest, ReadsPackedKeysAndValues) {
  const Attrs attrs = {{"num_heads", int64_t{1}}, {"scale", kLn3}};
  // One head; keys (1, 0) with values (1, 3).
  EXPECT_EQ(
      ImportAndShow("MultiHeadAttention", {F32({1, 1, 1}, {1}), F32({1, 2, 1, 2, 1}, {1, 1, 0, 3})}, attrs),
      "f32[1,1,1]: 1.5");
  // Two tokens of queries (1, 0), keys (1, 0), values (1, 3).
  EXPECT_EQ(ImportAndShow("MultiHeadAttention", {F32({1, 2, 1, 3, 1}, {1, 1, 1, 0, 0, 3})}, attrs),
            "f32[1,2,1]: 1.5 2");
}

TEST(MultiHeadAttentionTest, NamesWhatItDoesNotRead) {
  const TestValue x = F32({1, 1, 1}, {1});
  EXPECT_EQ(ImportAndShow("MultiHeadAttention",
                          {x, x, x, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, I32({1}, {0})},
                          {{"num_heads", int64_t{1}}}),
            "MultiHeadAttention 'node' (onnx com.microsoft opset 1): input 'past_sequence_length' is not "
            "supported");
  EXPECT_EQ(ImportAndShow("MultiHeadAttention", {x, x, x, kAbsent, I32({5}, {0, 0, 0, 0, 0})},
                          {{"num_heads", int64_t{1}}}),
            "MultiHeadAttention 'node' (onnx com.microsoft opset 1): mask i32[5] for a batch of 1 is not "
            "supported");
}

TEST(AttentionRowTest, CutsASquareMask) {
  // Queries are 0: every seen key weighs the same. Row 0 sees key 0, row 1 both; what is cut off is not seen.
  const TestValue mask = I32({1, 1, 3, 3}, {1, 0, 0, 1, 1, 0, 0, 0, 0});
  EXPECT_EQ(
      ImportAndShow("Attention", {F32({1, 2, 1}, {2, 4}), F32({1, 3}, {0, 0, 1}), F32({3}, {0, 0, 0}), mask},
                    {{"num_heads", int64_t{1}}}),
      "f32[1,2,1]: 2 3");
}

TEST(GeluRowTest, SplitsAfterTheBias) {
  // left * gelu(right): (1 + 1) * gelu(-1 + 1) and (2 + 0) * gelu(100 + 0).
  EXPECT_EQ(ImportAndShow("BiasSplitGelu", {F32({1, 1, 4}, {1, 2, -1, 100}), F32({4}, {1, 0, 1, 0})}),
            "f32[1,1,2]: 0 200");
}

TEST(GroupNormTest, NormalisesChannelsThatStandLast) {
  const TestValue x = F32({1, 1, 2, 2}, {1, 10, 3, 30});
  const TestValue gamma = F32({2}, {1, 2});
  const TestValue beta = F32({2}, {0, 5});
  Attrs attrs = {{"groups", int64_t{2}}, {"activation", int64_t{0}}, {"epsilon", 0.0F}};
  EXPECT_EQ(ImportAndShow("GroupNorm", {x, gamma, beta}, attrs), "f32[1,1,2,2]: -1 3 1 7");
  EXPECT_EQ(
      ImportAndShow("SkipGroupNorm",
                    {F32({1, 1, 2, 2}, {0, 0, 2, 20}), gamma, beta, F32({1, 2}, {1, 4}), F32({2}, {0, 6})},
                    attrs),
      "f32[1,1,2,2]: -1 3 1 7");
  attrs.Set("channels_last", int64_t{0});
  EXPECT_EQ(ImportAndShow("GroupNorm", {F32({1, 2, 1, 2}, {1, 3, 10, 30}), gamma, beta}, attrs),
            "f32[1,2,1,2]: -1 1 3 7");
  attrs.Set("activation", int64_t{1});
  EXPECT_EQ(ImportAndShow("GroupNorm", {F32({1, 2, 1, 2}, {1, 3, 10, 30}), gamma, F32({2}, {1, 98})}, attrs),
            "f32[1,2,1,2]: 0 1.76159 96 100");
}

TEST(NhwcConvTest, TakesWeightsWithChannelsSecond) {
  // Two channels of one pixel row: y = 1 * c0 + 10 * c1.
  const TestValue x = F32({1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(ImportAndShow("NhwcConv", {x, F32({1, 2, 1, 1}, {1, 10})}), "f32[1,1,2,1]: 21 43");
  EXPECT_EQ(ImportAndShow("NhwcFusedConv",
                          {x, F32({1, 2, 1, 1}, {1, 10}), F32({1}, {1}), F32({1, 1, 2, 1}, {-30, 0})},
                          {{"activation", string("Relu")}}),
            "f32[1,1,2,1]: 0 44");
}

TEST(QLinearReduceMeanTest, RescalesTheMean) {
  // Steps 2, 4, 9 of 0.5 from 1: reals 0.5, 1.5, 4; their mean 2 in steps of 0.25 from 3.
  EXPECT_EQ(ImportAndShow("QLinearReduceMean",
                          {{DType::kU8, {1, 3}, {2, 4, 9}},
                           F32({}, {0.5}),
                           {DType::kU8, {}, {1}},
                           F32({}, {0.25}),
                           {DType::kU8, {}, {3}}},
                          {{"axes", Ints{1}}, {"keepdims", int64_t{0}}}),
            "u8[1]: 11");
}

TEST(MatMulNBitsTest, UnpacksLowBitsFirst) {
  // Bytes 0x98: even weights 8 - 8 = 0, odd ones 9 - 8 = 1, times 0.5.
  std::vector<double> x(16, 0);
  x[1] = 3;
  x[2] = 100;
  x[15] = 7;
  const Attrs attrs = {
      {"K", int64_t{16}}, {"N", int64_t{1}}, {"bits", int64_t{4}}, {"block_size", int64_t{16}}};
  const TestValue weights{DType::kU8, {1, 1, 8}, std::vector<double>(8, 0x98)};
  EXPECT_EQ(ImportAndShow("MatMulNBits", {F32({1, 16}, x), weights, F32({1, 1}, {0.5})}, attrs),
            "f32[1,1]: 5");
  EXPECT_EQ(ImportAndShow("MatMulNBits",
                          {F32({1, 16}, x), weights, F32({1, 1}, {0.5}), {DType::kU8, {1, 1}, {9}}}, attrs),
            "f32[1,1]: -50");
  EXPECT_EQ(
      ImportAndShow("MatMulNBits", {F32({1, 16}, x), {DType::kU8, {1, 1, 7}, {}}, F32({1, 1}, {0.5})}, attrs),
      "MatMulNBits 'node': weights [1,1,7] must have 8 elements");
}

}  // namespace
}  // namespace slipway
