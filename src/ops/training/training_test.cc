// Losses, optimisers and Dropout: numbers worked out by hand or, where said, by NumPy.
#include "ops/testing.h"

namespace slipway {
namespace {

// Two samples, three classes.
const TestValue kLogProb{DType::kF32, {2, 3}, {-1, -2, -3, -4, -5, -6}};
const TestValue kTarget{DType::kI64, {2}, {2, 0}};

TEST(NegativeLogLikelihoodLoss, PicksTheRightClasses) {
  EXPECT_EQ(
      RunAndShow("NegativeLogLikelihoodLoss", {kLogProb, kTarget}, {{"reduction", std::string("none")}}),
      "f32[2]: 3 4");
}

TEST(NegativeLogLikelihoodLoss, DividesByTheWeightsThatCount) {
  const TestValue weight{DType::kF32, {3}, {1, 10, 3}};
  EXPECT_EQ(RunAndShow("NegativeLogLikelihoodLoss", {kLogProb, kTarget, weight}),
            "f32[]: 3.25");  // (9 + 4) / 4
}

TEST(NegativeLogLikelihoodLoss, LeavesTheIgnoredLabelOut) {
  const TestValue target{DType::kI64, {2}, {-1, 0}};
  EXPECT_EQ(RunAndShow("NegativeLogLikelihoodLoss", {kLogProb, target}, {{"ignore_index", int64_t{-1}}}),
            "f32[]: 4");
}

TEST(NegativeLogLikelihoodLoss, RefusesALabelThatIsNoClass) {
  const TestValue target{DType::kI64, {2}, {3, 0}};
  EXPECT_EQ(RunAndShow("NegativeLogLikelihoodLoss", {kLogProb, target}),
            "NegativeLogLikelihoodLoss 'node': target 3 is none of 3 classes");
}

// numpy.random.RandomState(0).uniform(size=4): 0.549, 0.715, 0.603, 0.545.
TEST(Dropout, DrawsAsNumPyDoes) {
  const TestValue x{DType::kF32, {4}, {1, 2, 3, 4}};
  const TestValue ratio{DType::kF32, {}, {0.6}};
  const TestValue on{DType::kBool, {}, {1}};
  EXPECT_EQ(RunAndShow("Dropout", {x, ratio, on}, {{"seed", int64_t{0}}}), "f32[4]: 0 5 7.5 0");
  EXPECT_EQ(RunAndShow("Dropout", {x, ratio}, {{"seed", int64_t{0}}}), "f32[4]: 1 2 3 4");
}

TEST(Dropout, RefusesARatioOfOne) {
  EXPECT_EQ(RunAndShow("Dropout", {{DType::kF32, {1}, {1}}, {DType::kF32, {}, {1}}}),
            "Dropout 'node': ratio is 1.000000; it must lie in [0,1)");
}

const TestValue kRate{DType::kF32, {}, {0.5}};
const TestValue kFirst{DType::kI64, {}, {0}};
const TestValue kSecond{DType::kI64, {}, {1}};
TestValue One(double value) { return {DType::kF32, {1}, {value}}; }

// g = 2; h = 12 + 4 = 16; x = 1 - 0.5 / (1 + 1) * 2 / 4.
TEST(Adagrad, MakesAStep) {
  EXPECT_EQ(RunAndShow("Adagrad", {kRate, kSecond, One(1), One(2), One(12)},
                       {{"decay_factor", 1.0F}, {"epsilon", 0.0F}}),
            "f32[1]: 0.875");
}

// v = 0.5 * 2 + 0.5 * 4 = 3; h = 0.75 * 20 / 3 + 0.25 * 16 = 9; x = (1 - 0.5 * 3 / 3) * 0.5.
TEST(Adam, MakesAStep) {
  const Attrs attrs = {{"alpha", 0.5F}, {"beta", 0.75F}, {"epsilon", 0.0F}, {"norm_coefficient_post", 0.5F}};
  EXPECT_EQ(RunAndShow("Adam", {kRate, kFirst, One(1), One(4), One(2), One(20.0 / 3)}, attrs),
            "f32[1]: 0.25");
}

// g = 2 + 1 * 1 = 3. First step: v = 0.5 * 2 + 3 = 4; x = 1 - 0.5 * 4. Later: v = 1 + 0.5 * 3 = 2.5.
TEST(Momentum, MakesAStep) {
  const Attrs attrs = {{"alpha", 0.5F}, {"beta", 0.5F}, {"norm_coefficient", 1.0F}};
  EXPECT_EQ(RunAndShow("Momentum", {kRate, kFirst, One(1), One(2), One(2)}, attrs), "f32[1]: -1");
  EXPECT_EQ(RunAndShow("Momentum", {kRate, kSecond, One(1), One(2), One(2)}, attrs), "f32[1]: -0.25");
}

// x = 1 - 0.5 * (3 + 0.5 * 4).
TEST(Momentum, LooksAhead) {
  const Attrs attrs = {
      {"alpha", 0.5F}, {"beta", 0.5F}, {"norm_coefficient", 1.0F}, {"mode", std::string("nesterov")}};
  EXPECT_EQ(RunAndShow("Momentum", {kRate, kFirst, One(1), One(2), One(2)}, attrs), "f32[1]: -1.5");
}

TEST(Momentum, RefusesGroupsThatDoNotFit) {
  EXPECT_EQ(RunAndShow("Momentum", {kRate, kFirst, One(1), One(2)}, {{"alpha", 0.5F}, {"beta", 0.5F}}),
            "Momentum 'node': has 4 inputs; it takes 2 and 3 for each value");
}

}  // namespace
}  // namespace slipway
