// Holds every tactic against the reference of its record, on every instruction set that the machine has: over
// the record's own test cases and over shapes with tails.
#include <gtest/gtest.h>

#include "backends/cpu/kernels/simd/targets.h"
#include "backends/cpu/test_targets.h"
#include "build/testing.h"
#include "hwy/highway.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20260731;

// How many cpu tactics fit the case.
int CheckCase(const OpDef& op, const TestCase& test) {
  return static_cast<int>(CheckTactics(*FindBackend("cpu"), op, test, kSeed).size());
}

TestCase ConvCase(Dims x, Dims w, Attrs attrs) {
  const int64_t units = w[0];
  attrs.Set("layout", std::string("channels_last"));
  return {"x" + ToString(x) + "_w" + ToString(w),
          {{.dims = std::move(x), .low = -1, .high = 1},
           {.dims = std::move(w), .low = -1, .high = 1, .is_constant = true},
           {.dims = {units}, .low = -1, .high = 1, .is_constant = true}},
          std::move(attrs)};
}

// Around the edges of tiles and panels.
std::vector<TestCase> TailCases() {
  const std::string same = "SAME_UPPER";
  std::vector<TestCase> cases;
  for (int64_t pixels : {1, 2, 5, 6, 7, 11, 12, 13, 25}) {
    for (int64_t units : {1, 15, 16, 17, 24, 25, 31, 32, 33, 49, 56})
      cases.push_back(ConvCase({1, 1, pixels, 5}, {units, 1, 1, 5}, {}));
  }
  for (int64_t size : {3, 4, 5, 9, 14}) {
    cases.push_back(ConvCase({2, size, size + 1, 3}, {18, 3, 3, 3}, {{"auto_pad", same}}));
    cases.push_back(
        ConvCase({1, size, size, 19}, {19, 3, 3, 1}, {{"auto_pad", same}, {"group", int64_t{19}}}));
  }
  // Depthwise ones of several groups of channels that go together, the last one cut.
  for (const char* activation : {"relu6", "sigmoid"}) {
    for (int64_t stride : {1, 2}) {
      cases.push_back(ConvCase({2, 7, 14, 389}, {389, 3, 3, 1},
                               {{"auto_pad", same},
                                {"group", int64_t{389}},
                                {"strides", Ints{stride, stride}},
                                {"activation", std::string(activation)}}));
    }
  }
  // Depthwise rows of every width up to some strips, whose windows stick out as "same" padding has it and
  // further, on one side or on both.
  for (int64_t width = 1; width <= 20; ++width) {
    for (int64_t kernel : {3, 5}) {
      for (int64_t stride : {1, 2}) {
        for (const Ints& pads : {Ints{1, 1, 1, 1}, Ints{2, 2, 2, 2}, Ints{4, 0, 4, 9}, Ints{4, 7, 4, 0}}) {
          if (width + pads[1] + pads[3] < kernel) continue;
          cases.push_back(
              ConvCase({1, 4, width, 19}, {19, kernel, kernel, 1},
                       {{"group", int64_t{19}}, {"strides", Ints{stride, stride}}, {"pads", pads}}));
        }
      }
    }
  }
  for (int64_t units : {1, 2, 3, 4, 5, 6, 7}) {
    for (int64_t depth : {1, 3, 16, 21}) {
      cases.push_back(ConvCase({2, 5, 23, depth}, {units, 3, 3, depth},
                               {{"auto_pad", same}, {"activation", std::string("sigmoid")}}));
      cases.push_back(
          ConvCase({1, 9, 30, depth}, {units, 3, 5, depth},
                   {{"pads", Ints{3, 6, 0, 1}}, {"strides", Ints{2, 3}}, {"dilations", Ints{1, 2}}}));
    }
  }
  return cases;
}

// 8-bit operands: how they are spread, for one convolution or fully connected layer.
struct Spread {
  DType dtype = DType::kU8;
  int64_t x_zero = 128, w_zero = 128, y_zero = 128;
  float y_scale = 0.5F;
  bool is_per_channel = false;
  double bias = 3000;
  const char* activation = "none";
};

TestCase SpreadCase(const Spread& s, Dims x, Dims w, Attrs attrs) {
  const bool is_u8 = s.dtype == DType::kU8;
  const double low = is_u8 ? 0 : -128;
  const int64_t units = w[0];
  Quant weights{{0.011F}, {is_u8 ? s.w_zero : 0}, -1};
  if (s.is_per_channel) {
    weights = Quant{{}, {}, 0};
    for (int64_t i = 0; i < units; ++i) {
      weights.scales.push_back(0.0003F * static_cast<float>(1 + i * i % 97));
      weights.zero_points.push_back(0);
    }
  }
  attrs.Set("activation", std::string(s.activation));
  const std::string label = "x" + ToString(x) + "_w" + ToString(w) + "_" + std::string(DTypeName(s.dtype)) +
                            "_" + std::to_string(s.x_zero) + "_" + std::to_string(s.w_zero) + "_" +
                            std::to_string(s.y_zero) + "_" + s.activation;
  return {label,
          {{s.dtype, std::move(x), low, low + 256, Quant{{0.05F}, {s.x_zero}, -1}},
           {s.dtype, std::move(w), low, low + 256, weights, {}, true},
           {.dtype = DType::kI32, .dims = {units}, .low = -s.bias, .high = s.bias, .is_constant = true}},
          std::move(attrs),
          1,
          {Quant{{s.y_scale}, {s.y_zero}, -1}}};
}

// Zero points at both ends, multipliers on both sides of 1, sums that saturate or wrap, clamps.
std::vector<Spread> Spreads() {
  return {{},
          {.x_zero = 0, .w_zero = 0, .y_zero = 0, .y_scale = 2},
          {.x_zero = 255, .w_zero = 255, .y_zero = 255, .y_scale = 1.5F, .activation = "relu6"},
          {.x_zero = 3, .w_zero = 201, .y_zero = 17, .y_scale = 0.0001F, .activation = "relu"},
          {.x_zero = 250, .w_zero = 90, .y_zero = 4, .y_scale = 1e-9F, .bias = 2e9},
          {.dtype = DType::kI8, .x_zero = -128, .y_zero = -128},
          {.dtype = DType::kI8, .x_zero = 127, .y_zero = 127, .is_per_channel = true},
          {.dtype = DType::kI8,
           .x_zero = 9,
           .y_zero = -3,
           .y_scale = 0.00004F,
           .is_per_channel = true,
           .activation = "relu_n1_to_1"},
          {.dtype = DType::kI8, .x_zero = -40, .y_zero = 3, .y_scale = 0.1F, .bias = 1e9}};
}

std::vector<TestCase> QuantizedConvCases() {
  const std::string same = "SAME_UPPER";
  const Attrs last = {{"layout", std::string("channels_last")}};
  const auto with = [&](Attrs more) {
    more.Set("layout", std::string("channels_last"));
    return more;
  };
  std::vector<TestCase> cases;
  for (const Spread& s : Spreads()) {
    for (int64_t pixels : {1, 2, 7, 12, 13, 61}) {
      for (int64_t units : {1, 8, 17, 32, 49})
        cases.push_back(SpreadCase(s, {1, 1, pixels, units % 2 == 0 ? 24 : 5},
                                   {units, 1, 1, units % 2 == 0 ? 24 : 5}, last));
    }
    for (int64_t size : {3, 4, 9}) {
      const Attrs strided = with({{"auto_pad", same}, {"strides", Ints{2, 2}}});
      cases.push_back(SpreadCase(s, {2, size, size + 1, 3}, {18, 3, 3, 3}, strided));
      cases.push_back(SpreadCase(s, {1, size, size, 20}, {33, 3, 2, 20}, with({{"pads", Ints{2, 1, 2, 3}}})));
      cases.push_back(SpreadCase(s, {1, size + 4, size + 2, 6}, {8, 3, 3, 3},
                                 with({{"group", int64_t{2}}, {"dilations", Ints{2, 1}}})));
      for (int64_t channels : {1, 3, 4, 5, 8, 16, 19, 40}) {
        const Attrs depthwise = with({{"auto_pad", same}, {"group", channels}});
        cases.push_back(SpreadCase(s, {2, size, size + 2, channels}, {channels, 3, 3, 1}, depthwise));
        cases.push_back(SpreadCase(s, {1, size + 5, size + 6, channels}, {channels, 3, 5, 1},
                                   with({{"group", channels},
                                         {"strides", Ints{2, 1}},
                                         {"dilations", Ints{1, 2}},
                                         {"pads", Ints{3, 9, 0, 1}}})));
        cases.push_back(SpreadCase(s, {1, size, 3 * size, channels}, {channels, 2, 2, 1},
                                   with({{"auto_pad", same}, {"group", channels}, {"strides", Ints{1, 2}}})));
      }
    }
  }
  return cases;
}

std::vector<TestCase> QuantizedMatMulCases() {
  std::vector<TestCase> cases;
  for (const Spread& s : Spreads()) {
    for (int64_t rows : {1, 3, 13}) {
      for (int64_t units : {1, 16, 37}) {
        for (int64_t depth : {1, 32, 131, 3000})
          cases.push_back(SpreadCase(s, {rows, depth}, {units, depth}, {}));
      }
    }
  }
  return cases;
}

class CpuTest : public cpu::OnTarget {};

TEST_P(CpuTest, AgreesWithTheReferenceOnEveryCase) {
  RecordProperty("seed", static_cast<int>(kSeed));
  int count = 0;
  for (const OpDef& op : AllOps()) {
    if (op.cases == nullptr) continue;
    for (const TestCase& test : op.cases()) count += CheckCase(op, test);
  }
  EXPECT_GT(count, 100);
}

TEST_P(CpuTest, AgreesWithTheReferenceOnTails) {
  int count = 0;
  const std::vector<TestCase> cases = TailCases();
  for (const TestCase& test : cases) count += CheckCase(*FindOp("Conv"), test) > 0 ? 1 : 0;
  EXPECT_EQ(count, static_cast<int>(cases.size()));
}

TEST_P(CpuTest, AgreesWithTheReferenceOnTransposedConvolutions) {
  const auto kernel = [](int64_t h, int64_t w, Ints strides) {
    return std::pair<Dims, Attrs>({h, w}, {{"strides", std::move(strides)}});
  };
  std::vector<std::pair<Dims, Attrs>> windows = {kernel(3, 3, {2, 2}), kernel(4, 2, {3, 1}),
                                                 kernel(1, 2, {2, 3}), kernel(5, 5, {1, 2})};
  for (const Ints& dilations : {Ints{2, 2}, Ints{3, 1}}) {
    windows.push_back(kernel(3, 4, {2, 3}));
    windows.back().second.Set("dilations", dilations);
  }
  for (const auto& [size, attrs] : windows) {
    for (const Ints& pads : {Ints{0, 0, 0, 0}, Ints{1, 0, 0, 1}, Ints{0, 2, 1, 0}}) {
      for (int64_t group : {1, 3}) {
        Attrs all = attrs;
        if (size != Dims{1, 2}) all.Set("pads", pads);
        all.Set("group", group);
        all.Set("layout", std::string("channels_last"));
        EXPECT_EQ(
            CheckCase(
                *FindOp("ConvTranspose"),
                {ToString(size) + ToString(Dims(pads.begin(), pads.end())),
                 {{.dims = {2, 5, 13, 9}, .low = -1, .high = 1},
                  {.dims = {51, size[0], size[1], 9 / group}, .low = -1, .high = 1, .is_constant = true},
                  {.dims = {51}, .low = -1, .high = 1, .is_constant = true}},
                 all}),
            1);
      }
    }
  }
}

// Several stretches of pixels, and a mean that is large beside what differs from it.
TEST_P(CpuTest, AgreesWithTheReferenceOnInstancesWithChannelsLast) {
  for (int64_t channels : {1, 7, 24}) {
    const TestInput parameter{.dims = {channels}, .low = -1, .high = 1, .is_constant = true};
    EXPECT_EQ(CheckCase(*FindOp("InstanceNormalization"),
                        {"large",
                         {{.dims = {2, 95, 401, channels}, .low = 99, .high = 101}, parameter, parameter},
                         {{"layout", std::string("channels_last")}}}),
              1);
  }
}

// Heads that lie apart or side by side, around the ends of panels, pairs and blocks of rows.
TEST_P(CpuTest, AgreesWithTheReferenceOnAttention) {
  const Attrs heads = {{"q_num_heads", int64_t{2}}, {"kv_num_heads", int64_t{2}}};
  for (int64_t keys : {1, 15, 16, 17, 33, 50}) {
    for (int64_t size : {1, 6, 19, 32}) {
      const auto operand = [&](int64_t length) {
        return TestInput{.dims = {2, 2, length, size}, .low = -2, .high = 2};
      };
      const auto packed = [&](int64_t length) {
        return TestInput{.dims = {2, length, 2 * size}, .low = -2, .high = 2};
      };
      const TestInput mask{.dims = {1, 1, 13, keys}, .low = -2, .high = 2};
      EXPECT_GT(CheckCase(*FindOp("Attention"),
                          {"apart" + std::to_string(keys), {operand(13), operand(keys), operand(keys)}, {}}),
                0);
      EXPECT_GT(
          CheckCase(*FindOp("Attention"),
                    {"packed" + std::to_string(keys), {packed(13), packed(keys), packed(keys), mask}, heads}),
          0);
    }
  }
  const TestInput many{.dims = {1, 1, 400, 8}, .low = -1, .high = 1};
  EXPECT_GT(CheckCase(*FindOp("Attention"), {"blocks", {many, many, many}, {{"is_causal", int64_t{1}}}}), 0);
}

TEST_P(CpuTest, AgreesWithTheReferenceOnQuantizedConvolutions) {
  int count = 0;
  const std::vector<TestCase> cases = QuantizedConvCases();
  for (const TestCase& test : cases) count += CheckCase(*FindOp("Conv"), test) > 0 ? 1 : 0;
  EXPECT_EQ(count, static_cast<int>(cases.size()));
}

TEST_P(CpuTest, AgreesWithTheReferenceOnQuantizedMatrixProducts) {
  int count = 0;
  const std::vector<TestCase> cases = QuantizedMatMulCases();
  for (const TestCase& test : cases) count += CheckCase(*FindOp("FullyConnected"), test) > 0 ? 1 : 0;
  EXPECT_EQ(count, static_cast<int>(cases.size()));
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, CpuTest, ::testing::ValuesIn(cpu::TargetsToTest()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace slipway
