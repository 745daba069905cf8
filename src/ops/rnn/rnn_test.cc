// Hand-checked numbers of the recurrent layers.
#include <algorithm>
#include <cmath>

#include "ops/nn/fixed_functions.h"
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

// ---- TFLite's layers ----

// One filter sees 1 + 2; what it saw before moves up: 7 * 1 + 3 * 10.
TEST(Recurrent, SvdfRemembers) {
  const std::vector<TestValue> inputs = {{DType::kF32, {1, 2}, {1, 2}},
                                         Filled({1, 2}, 1),
                                         {DType::kF32, {1, 2}, {1, 10}},
                                         kNone,
                                         {DType::kF32, {1, 2}, {5, 7}}};
  EXPECT_EQ(ShowAll("SVDF", inputs, {}, 2), "f32[1,1]: 37; f32[1,2]: 7 3");
  std::vector<TestValue> wrong = inputs;
  wrong[4] = Filled({1, 3}, 0);
  EXPECT_EQ(ShowAll("SVDF", wrong, {}, 2), "SVDF 'node': state is [1,3]; expected [1,2]");
}

// What is seen is 100 * 1 and counts as 127 at most, before the state's zero point of 50 is added in 8 bits.
TEST(Recurrent, SvdfOfBytesWrapsAround) {
  const Quant plain{{1}, {0}, -1};
  auto result = RunOp("SVDF",
                      {{DType::kI8, {1, 1}, {100}, plain},
                       {DType::kI8, {1, 1}, {2}, plain},
                       {DType::kI8, {1, 1}, {1}, plain},
                       kNone,
                       {DType::kI8, {1, 1}, {0}, Quant{{1}, {50}, -1}}},
                      {}, {plain, Quant{{1}, {50}, -1}});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(Show((*result)[1].tensor), "i8[1,1]: -79");   // 127 + 50 - 256
  EXPECT_EQ(Show((*result)[0].tensor), "i8[1,1]: -128");  // -79 - 50, bounded
}

TEST(Recurrent, SimpleRnnHandsItsStateOn) {
  const std::vector<TestValue> inputs = {
      {DType::kF32, {1, 2, 1}, {1, 2}}, Filled({1, 1}, 1), Filled({1, 1}, 1), kNone, Filled({1, 1}, 10)};
  EXPECT_EQ(ShowAll("SimpleRNN", inputs, {}, 2), "f32[1,2,1]: 11 13; f32[1,1]: 13");
  EXPECT_EQ(ShowAll("SimpleRNN", inputs, {{"reverse", int64_t{1}}}, 2), "f32[1,2,1]: 13 12; f32[1,1]: 13");
}

// Without weights gates are a half: c' = 8 / 2, and what is projected 4 / 2.
TEST(Recurrent, ProjectedLstmProjects) {
  std::vector<TestValue> inputs(20, kNone);
  inputs[0] = Filled({1, 3}, 1);
  for (size_t i = 1; i < 5; ++i) inputs[i] = Filled({1, 3}, 0);
  for (size_t i = 5; i < 9; ++i) inputs[i] = Filled({1, 2}, 0);
  inputs[16] = {DType::kF32, {2, 1}, {3, -1}};
  inputs[17] = {DType::kF32, {2}, {0.5, 0}};
  inputs[18] = Filled({1, 2}, 1);
  inputs[19] = Filled({1, 1}, 8);
  EXPECT_EQ(ShowAll("ProjectedLSTM", inputs, {}, 3), "f32[1,2]: 6.5 -2; f32[1,2]: 6.5 -2; f32[1,1]: 4");
  const Attrs clipped = {{"cell_clip", 2.0F}, {"proj_clip", 1.5F}};  // c' = 2, and 1 is projected
  EXPECT_EQ(ShowAll("ProjectedLSTM", inputs, clipped, 3), "f32[1,2]: 1.5 -1; f32[1,2]: 1.5 -1; f32[1,1]: 2");
  inputs[1] = inputs[5] = kNone;  // the input gate is 1 - 0.5
  inputs[14] = Filled({1}, 6);    // and the candidate 6: c' = 4 + 3
  EXPECT_EQ(ShowAll("ProjectedLSTM", inputs, {}, 3), "f32[1,2]: 11 -3.5; f32[1,2]: 11 -3.5; f32[1,1]: 7");
  inputs[5] = Filled({1, 2}, 0);
  EXPECT_EQ(ShowAll("ProjectedLSTM", inputs, {}, 3),
            "ProjectedLSTM 'node': weights of gate 0 are incomplete");
}

// ---- TensorFlow's fused cells ----

// Without weights gates are a half: c' = 2 / 2 + what the second quarter of the bias adds.
TEST(Recurrent, BlockLstmGivesEveryGate) {
  std::vector<TestValue> inputs = {
      Filled({1, 1}, 5), Filled({1, 1}, 2), Filled({1, 1}, 0), Filled({2, 4}, 0), kNone, kNone, kNone,
      Filled({4}, 0)};
  EXPECT_EQ(ShowAll("BlockLSTM", inputs, {}, 7),
            "f32[1,1]: 0.5; f32[1,1]: 1; f32[1,1]: 0.5; f32[1,1]: 0.5; f32[1,1]: 0; f32[1,1]: 0.761594; "
            "f32[1,1]: 0.380797");
  inputs[7] = {DType::kF32, {4}, {0, 100, 0, 0}};
  EXPECT_EQ(ShowAll("BlockLSTM", inputs, {}, 2), "f32[1,1]: 0.5; f32[1,1]: 1.5");
  EXPECT_EQ(ShowAll("BlockLSTM", inputs, {{"gate_order", std::string("ifco")}}, 2),
            "f32[1,1]: 0.5; f32[1,1]: 2");
  EXPECT_EQ(ShowAll("BlockLSTM", inputs, {{"cell_clip", 0.25F}}, 2), "f32[1,1]: 0.5; f32[1,1]: 0.25");
  EXPECT_EQ(ShowAll("BlockLSTM", inputs, {{"forget_bias", 100.0F}}, 2), "f32[1,1]: 0.5; f32[1,1]: 2.5");
}

TEST(Recurrent, BlockLstmStopsAtItsLength) {
  const std::vector<TestValue> inputs = {
      Filled({2, 1, 1}, 5), Filled({1, 1}, 2),     Filled({1, 1}, 0), Filled({2, 4}, 0), kNone, kNone, kNone,
      Filled({4}, 0),       {DType::kI64, {}, {1}}};
  EXPECT_EQ(ShowAll("BlockLSTM", inputs, {}, 2), "f32[2,1,1]: 0.5 0; f32[2,1,1]: 1 0");
}

// r = u = 1/2; the candidate is tanh(1 * 2 / 2), and h' = tanh(1) / 2 + 2 / 2.
TEST(Recurrent, GruBlockCellGivesEveryGate) {
  const std::vector<TestValue> inputs = {Filled({1, 1}, 5), Filled({1, 1}, 2),
                                         Filled({2, 2}, 0), {DType::kF32, {2, 1}, {0, 1}},
                                         Filled({2}, 0),    Filled({1}, 0)};
  EXPECT_EQ(ShowAll("GRUBlockCell", inputs, {}, 4),
            "f32[1,1]: 0.5; f32[1,1]: 0.5; f32[1,1]: 0.761594; f32[1,1]: 1.3808");
}

template <class T>
double LargestError(double (*real)(double), T (*fixed)(T, int), int integer_bits) {
  constexpr int kShift = 8 * sizeof(T) - 16;  // every 16-bit number, as the upper half
  const double unit = std::ldexp(1.0, 8 * sizeof(T) - 1);
  double worst = 0;
  for (int x = INT16_MIN + 1; x <= INT16_MAX; ++x) {
    const auto raw = static_cast<T>(static_cast<int64_t>(x) * (int64_t{1} << kShift));
    const double value = std::ldexp(static_cast<double>(raw) / unit, integer_bits);
    worst = std::max(worst, std::abs(static_cast<double>(fixed(raw, integer_bits)) / unit - real(value)));
  }
  return worst;
}

TEST(FixedFunctions, AreNearTheRealOnes) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (int bits : {0, 3, 4, 6}) {
    EXPECT_LT(LargestError<int16_t>(sigmoid, FixedFunctions<int16_t>::Logistic, bits), 2e-3) << bits;
    EXPECT_LT(LargestError<int32_t>(sigmoid, FixedFunctions<int32_t>::Logistic, bits), 1e-6) << bits;
    EXPECT_LT(LargestError<int16_t>(std::tanh, FixedFunctions<int16_t>::Tanh, bits), 2e-3) << bits;
    EXPECT_LT(LargestError<int32_t>(std::tanh, FixedFunctions<int32_t>::Tanh, bits), 1e-6) << bits;
  }
}

// Twelve intermediates: every gate is normalised.
TEST(ProjectedLSTM, RefusesNarrowGatesWithoutNormalisation) {
  const auto steps = [](DType dtype, Dims dims, float scale) {
    const auto count = static_cast<size_t>(CountOf(dims));
    TestValue value{dtype, std::move(dims), std::vector<double>(count, 1)};
    value.quant = Quant{{scale}, {0}, -1};
    return value;
  };
  std::vector<TestValue> inputs(20, kNone);
  inputs[0] = steps(DType::kI8, {1, 2}, 0.1F);
  for (size_t i : {2, 3, 4}) inputs[i] = steps(DType::kI8, {3, 2}, 0.1F);
  for (size_t i : {6, 7, 8}) inputs[i] = steps(DType::kI8, {3, 3}, 0.1F);
  inputs[18] = steps(DType::kI8, {1, 3}, 0.1F);
  inputs[19] = steps(DType::kI16, {1, 3}, 1.0F / 32768);
  const Attrs attrs = {{"intermediate_scales", Floats(12, 0.1F)}, {"intermediate_zero_points", Ints(12, 0)}};
  const auto result = RunOp("ProjectedLSTM", inputs, attrs, {Quant{{0.1F}, {0}, -1}});
  EXPECT_EQ(result.status().message(), "ProjectedLSTM 'node': gate 1 has no normalisation or no bias");
}

}  // namespace
}  // namespace slipway
