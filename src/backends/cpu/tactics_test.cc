// Which tactic runs what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backends/api/backend.h"
#include "backends/cpu/kernels/move/copies.h"
#include "build/choose.h"
#include "ops/case_scene.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20260731;

struct Wish {
  const char* op;
  const char* label;  // of the record's case
  const char* tactic;
};

class CpuChoice : public testing::TestWithParam<Wish> {};

TEST_P(CpuChoice, IsTheTacticWishedFor) {
  const OpDef& op = *FindOp(GetParam().op);
  for (const TestCase& test : op.cases()) {
    if (test.label != GetParam().label) continue;
    const auto scene = MakeCaseScene(op, test, kSeed);
    ASSERT_TRUE(scene.ok()) << scene.status().ToString();
    const auto choices = ChooseTactics(scene->graph, {FindBackend("cpu"), FindBackend("ref")});
    ASSERT_TRUE(choices.ok()) << choices.status().ToString();
    EXPECT_EQ((*choices)[0].tactic->name(), GetParam().tactic);
    return;
  }
  FAIL() << "no case " << GetParam().label;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CpuChoice,
    testing::Values(Wish{"Softmax", "i8", "cpu/softmax_quant"}, Wish{"Softmax", "middle", "cpu/softmax_f32"},
                    Wish{"Quantize", "f32_to_u8", "cpu/quantize_f32"},
                    Wish{"Quantize", "i8_to_u8", "cpu/table_8bit"},
                    Wish{"QuantizeLinear", "u8", "cpu/quantize_f32"},
                    Wish{"Dequantize", "u8", "cpu/table_8bit"}, Wish{"Dequantize", "f16", "cpu/half_to_f32"},
                    Wish{"ReduceMean", "spatial_last", "cpu/reduce_f32"},
                    Wish{"ReduceMax", "last", "cpu/reduce_f32"}, Wish{"ReduceMean", "ends", "ref/reference"},
                    Wish{"PRelu", "channels_first", "cpu/binary_f32"},
                    Wish{"MaxPool", "3x3_padded_nchw_f32_none", "cpu/pool"},
                    Wish{"AveragePool", "include_pad", "cpu/pool"}, Wish{"Pad", "reflect", "cpu/copies"}));

TEST(PlanCopies, MakesWhatItWasGiven) {
  // A border of two around rows of three, every second element of a row, one element repeated.
  const std::vector<int32_t> source = {0, 0, 1, 2, 3, 0, 0, 0, 0, 4, 5, 6, 0, 0, 1, 3, 5, 7, 9, 9, 9, 9};
  std::vector<uint16_t> x(10), y(source.size(), 999), want(source.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint16_t>(100 + i);
  const uint16_t fill = 7;
  for (size_t i = 0; i < source.size(); ++i)
    want[i] = source[i] == 0 ? fill : x[static_cast<size_t>(source[i] - 1)];
  for (const cpu::CopyRuns& runs : cpu::PlanCopies(source, 4)) {
    cpu::RunCopies(runs, 2, reinterpret_cast<const uint8_t*>(x.data()),
                   reinterpret_cast<const uint8_t*>(&fill), reinterpret_cast<uint8_t*>(y.data()));
  }
  EXPECT_EQ(y, want);
}

// The reference keeps a NaN that comes first in its window and passes over any other.
TEST(MaxPool, TreatsNanAsTheReference) {
  const OpDef& op = *FindOp("MaxPool");
  for (const char* layout : {"channels_first", "channels_last"}) {
    const TestCase test{
        "nan", {{.dims = {1, 1, 1, 6}}}, {{"kernel_shape", Ints{1, 3}}, {"layout", std::string(layout)}}};
    TestCase shaped = test;
    if (std::string_view(layout) == "channels_last") shaped.inputs[0].dims = {1, 1, 6, 2};
    const auto scene = MakeCaseScene(op, shaped, kSeed);
    ASSERT_TRUE(scene.ok()) << scene.status().ToString();
    const auto step = MakeStep(scene->graph, scene->node());
    ASSERT_TRUE(step.ok());
    Datum x = Datum::Of(Tensor(DType::kF32, shaped.inputs[0].dims));
    const float values[] = {NAN, 1, 2, NAN, 4, 3};
    const int64_t channels = x.tensor.count() / 6;
    for (int64_t i = 0; i < x.tensor.count(); ++i) x.tensor.as<float>()[i] = values[i / channels];
    const Datum* operand = &x;
    const auto want = RunReference(scene->graph, scene->node(), {&operand, 1}, nullptr);
    ASSERT_TRUE(want.ok());
    Datum y = Datum::Of(Tensor(DType::kF32, (*want)[0].tensor.dims()));
    for (const Tactic* tactic : FindBackend("cpu")->tactics) {
      if (tactic->WhyNot(*step)) continue;
      const auto kernel = tactic->Make(*step);
      ASSERT_TRUE(kernel.ok());
      Datum* in = &x;
      Datum* out = &y;
      ThreadPool pool(1);
      ASSERT_TRUE((*kernel)->Run({{&in, 1}, {&out, 1}, {}, {}, pool, nullptr}).ok());
      for (int64_t i = 0; i < y.tensor.count(); ++i) {
        const float got = y.tensor.as<float>()[i];
        const float expected = (*want)[0].tensor.as<float>()[i];
        EXPECT_TRUE(got == expected || (std::isnan(got) && std::isnan(expected))) << layout << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace slipway
