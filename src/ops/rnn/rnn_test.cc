// Hand-checked numbers of the recurrent layers.
#include "ops/testing.h"

namespace slipway {
namespace {

std::string ShowAll(const std::string& op, const std::vector<TestValue>& inputs, Attrs attrs,
                    size_t outputs) {
  auto result = RunOp(op, inputs, std::move(attrs), std::vector<std::optional<Quant>>(outputs, std::nullopt));
  if (!result.ok()) return result.status().message();
  std::string text;
  for (const Datum& datum : *result) text += (text.empty() ? "" : "; ") + Show(datum.tensor);
  return text;
}

TestValue Filled(Dims dims, double value) {
  const auto count = static_cast<size_t>(CountOf(dims));
  return {DType::kF32, std::move(dims), std::vector<double>(count, value)};
}

const TestValue kNone{.is_absent = true};

// h' = x + h: the running sum of the steps that count.
TEST(Recurrent, RnnSumsWhatItSees) {
  const std::vector<TestValue> inputs = {{DType::kF32, {3, 2, 1}, {1, 10, 2, 20, 3, 30}},
                                         Filled({1, 1, 1}, 1),
                                         Filled({1, 1, 1}, 1),
                                         kNone,
                                         {DType::kI32, {2}, {3, 2}},
                                         {DType::kF32, {1, 2, 1}, {100, 200}}};
  EXPECT_EQ(ShowAll("RNN", inputs, {{"activations", Strings{"Affine"}}}, 2),
            "f32[3,1,2,1]: 101 210 103 230 106 0; f32[1,2,1]: 106 230");
  EXPECT_EQ(
      ShowAll("RNN", inputs, {{"activations", Strings{"affine"}}, {"direction", std::string("reverse")}}, 2),
      "f32[3,1,2,1]: 106 230 105 220 103 0; f32[1,2,1]: 106 230");
}

TEST(Recurrent, LayoutOnePutsTheBatchFirst) {
  const Attrs attrs = {{"activations", Strings{"Affine", "Affine"}},
                       {"direction", std::string("bidirectional")},
                       {"layout", int64_t{1}}};
  EXPECT_EQ(
      ShowAll("RNN",
              {{DType::kF32, {2, 3, 1}, {1, 2, 3, 10, 20, 30}}, Filled({2, 1, 1}, 1), Filled({2, 1, 1}, 1)},
              attrs, 2),
      "f32[2,3,2,1]: 1 6 3 5 6 3 10 60 30 50 60 30; f32[2,2,1]: 6 6 60 60");
}

// With weights of zero every gate is a half and the candidate is zero.
TEST(Recurrent, GatesOfNoWeightHalveTheState) {
  const std::vector<TestValue> gru = {
      Filled({1, 1, 1}, 5), Filled({1, 3, 1}, 0), Filled({1, 3, 1}, 0), kNone, kNone, Filled({1, 1, 1}, 3)};
  EXPECT_EQ(ShowAll("GRU", gru, {}, 1), "f32[1,1,1,1]: 1.5");
  const std::vector<TestValue> lstm = {
      Filled({1, 1, 1}, 5), Filled({1, 4, 1}, 0), Filled({1, 4, 1}, 0), kNone, kNone,
      Filled({1, 1, 1}, 9), Filled({1, 1, 1}, 2)};
  // c' = 0.5 * 2, h' = 0.5 * tanh(1)
  EXPECT_EQ(ShowAll("LSTM", lstm, {}, 3), "f32[1,1,1,1]: 0.380797; f32[1,1,1]: 0.380797; f32[1,1,1]: 1");
}

// R = 1 and its bias 2 for the candidate only, reset gate 1/2, update gate 1/2, h = 3:
// before: R * (h / 2) + 2 = 3.5; after: (R * h + 2) / 2 = 2.5; h' = candidate / 2 + 1.5.
TEST(Recurrent, GruResetsBeforeOrAfterTheProduct) {
  const std::vector<TestValue> inputs = {Filled({1, 1, 1}, 0),
                                         Filled({1, 3, 1}, 0),
                                         {DType::kF32, {1, 3, 1}, {0, 0, 1}},
                                         {DType::kF32, {1, 6}, {0, 0, 0, 0, 0, 2}},
                                         kNone,
                                         Filled({1, 1, 1}, 3)};
  const Strings functions = {"Sigmoid", "Affine"};
  EXPECT_EQ(ShowAll("GRU", inputs, {{"activations", functions}}, 1), "f32[1,1,1,1]: 3.25");
  EXPECT_EQ(ShowAll("GRU", inputs, {{"activations", functions}, {"linear_before_reset", int64_t{1}}}, 1),
            "f32[1,1,1,1]: 2.75");
}

// Linear functions: gates are what bias and peepholes make them; order of the gates i, o, f, c.
TEST(Recurrent, LstmPeepholesAndCoupledGates) {
  std::vector<TestValue> inputs = {Filled({1, 1, 1}, 0),
                                   Filled({1, 4, 1}, 0),
                                   Filled({1, 4, 1}, 0),
                                   {DType::kF32, {1, 8}, {0.25, 1, 0.5, 4, 0, 0, 0, 0}},
                                   kNone,
                                   kNone,
                                   Filled({1, 1, 1}, 8)};
  Attrs attrs = {{"activations", Strings{"Affine", "Affine", "Affine"}}};
  EXPECT_EQ(ShowAll("LSTM", inputs, attrs, 3), "f32[1,1,1,1]: 5; f32[1,1,1]: 5; f32[1,1,1]: 5");
  attrs.Set("input_forget", int64_t{1});  // 0.75 * 8 + 0.25 * 4
  EXPECT_EQ(ShowAll("LSTM", inputs, attrs, 3), "f32[1,1,1,1]: 7; f32[1,1,1]: 7; f32[1,1,1]: 7");
  attrs.Set("input_forget", int64_t{0});
  // i = 0.25 + 0.125 * 8, f = 0.5 + 8, c' = 8.5 * 8 + 1.25 * 4 = 73, o = 1 + 2 * 73
  inputs.push_back({DType::kF32, {1, 3}, {0.125, 2, 1}});
  EXPECT_EQ(ShowAll("LSTM", inputs, attrs, 3), "f32[1,1,1,1]: 10731; f32[1,1,1]: 10731; f32[1,1,1]: 73");
  attrs.Set("clip", 1.0F);  // i = 1, f = 1, g = 1, o = 1; the cell itself is not clipped
  EXPECT_EQ(ShowAll("LSTM", inputs, attrs, 3), "f32[1,1,1,1]: 9; f32[1,1,1]: 9; f32[1,1,1]: 9");
}

TEST(Recurrent, RefusesWhatDoesNotFit) {
  const TestValue x = Filled({1, 2, 3}, 0);
  EXPECT_EQ(ShowAll("GRU", {x, Filled({1, 12, 3}, 0), Filled({1, 12, 5}, 0)}, {}, 1),
            "GRU 'node': w is [1,12,3]; expected [1,15,3]");
  EXPECT_EQ(
      ShowAll("RNN", {x, Filled({1, 4, 3}, 0), Filled({1, 4, 4}, 0)}, {{"activations", Strings{"Tanhh"}}}, 1),
      "RNN 'node': activation 'Tanhh' is not known (did you mean 'Tanh'?)");
  EXPECT_EQ(ShowAll("RNN", {x, Filled({1, 4, 3}, 0), Filled({1, 4, 4}, 0), kNone, {DType::kI32, {2}, {1, 2}}},
                    {}, 1),
            "RNN 'node': sequence_lens[1] is 2; x has 1 steps");
  EXPECT_EQ(ShowAll("LSTM", {x, Filled({1, 4, 3}, 0), Filled({1, 4, 1}, 0)},
                    {{"activations", Strings{"Sigmoid", "Tanh"}}}, 1),
            "LSTM 'node': has 2 activations; its gates and directions need 3");
}

}  // namespace
}  // namespace slipway
