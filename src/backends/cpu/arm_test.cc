// That the kernels use what an ARM processor has beyond NEON, and nothing that it has not.
//
// SLIPWAY_ARM_EXTENSIONS in the environment says what that is: "+dotprod+fhm+bf16", or "" for none
// (tools/test_arm.sh knows qemu's processors). Where nobody says, the tests that need it are passed over;
// other machines have none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/quantized/conv_q8.h"
#include "build/testing.h"
#include "hwy/highway.h"

namespace slipway::cpu {
namespace {

constexpr uint32_t kSeed = 20261129;

class ArmExtensions : public testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("SLIPWAY_ARM_EXTENSIONS");
    if (HWY_ARCH_ARM && named == nullptr) GTEST_SKIP() << "SLIPWAY_ARM_EXTENSIONS is not set";
    if (HWY_ARCH_ARM) named_ = named;
  }
  bool Has(const char* extension) const { return named_.find(extension) != std::string::npos; }

  std::string named_;
};

TEST_F(ArmExtensions, AreInTheNameOfTheTarget) {
  const std::string target = FindBackend("cpu")->target;
  EXPECT_EQ(target.substr(std::min(target.find('+'), target.size())), named_) << target;
}

TEST_F(ArmExtensions, DecideHow8BitWeightsArePacked) {
  constexpr int64_t kUnits = 16, kDepth = 32;
  const TestCase test{"q8",
                      {{DType::kI8, {1, 1, 3, kDepth}, -128, 128, Quant{{0.05F}, {0}, -1}},
                       {DType::kI8, {kUnits, 1, 1, kDepth}, -128, 128, Quant{{0.01F}, {0}, -1}, {}, true}},
                      {{"layout", std::string("channels_last")}},
                      1,
                      {Quant{{0.5F}, {0}, -1}}};
  const auto scene = MakeCaseScene(*FindOp("Conv"), test, kSeed);
  ASSERT_TRUE(scene.ok()) << scene.status().ToString();
  auto step = MakeStep(scene->graph, scene->node());
  ASSERT_TRUE(step.ok());
  PackedInputs packed;
  step->packed = &packed;
  ASSERT_TRUE(FindTactic("cpu/conv_q8")->Make(*step).ok());
  ASSERT_EQ(packed.parts().size(), 1U);
  const auto bytes = [&](DotForm form) {
    return PackedQ8::Of(kUnits, kDepth, 0, true, form).line_count() * sizeof(WeightLine);
  };
  ASSERT_NE(bytes(DotForm::kSdot), bytes(DotForm::kWiden));
  EXPECT_EQ(packed.parts()[0].bytes.size(), bytes(BestDotForm()));
  EXPECT_EQ(BestDotForm() == DotForm::kSdot, Has("+dotprod"));
}

TEST_F(ArmExtensions, DecideWhichPrecisionsThereAre) {
  const auto scene =
      MakeCaseScene(*FindOp("MatMul"),
                    {"large", {{.dims = {64, 512}}, {.dims = {512, 512}, .is_constant = true}}, {}}, kSeed);
  ASSERT_TRUE(scene.ok());
  const std::pair<Precision, const char*> extensions[] = {{Precision::kF16, "+fhm"},
                                                          {Precision::kBf16, "+bf16"}};
  for (const auto& [precision, extension] : extensions) {
    if (!HWY_ARCH_ARM && precision == Precision::kBf16) continue;  // other machines may have it
    const std::string name = NameOf(precision);
    const auto choices =
        ChooseTactics(scene->graph, {FindBackend("cpu"), FindBackend("ref")}, {.precision = precision});
    ASSERT_EQ(choices.ok(), Has(extension)) << name;
    if (choices.ok())
      EXPECT_EQ((*choices)[0].tactic->name(), "cpu/matmul_" + name);
    else
      EXPECT_THAT(choices.status().message(),
                  testing::StartsWith(name + " was asked for, but no backend has it here: "));
  }
}

// On a processor without them they are no instructions.
class ArmInstructions : public ArmExtensions {
 protected:
  void SetUp() override {
    ArmExtensions::SetUp();
    if (!HWY_ARCH_ARM_A64) GTEST_SKIP() << "compiled for 64-bit ARM only";
  }
  template <class F>
  void ExpectToNeed(const char* extension, const F& run) {
    const auto run_and_leave = [&] {
      run();
      std::_Exit(0);
    };
    if (Has(extension))
      EXPECT_EXIT(run_and_leave(), testing::ExitedWithCode(0), "");
    else
      EXPECT_EXIT(run_and_leave(), testing::KilledBySignal(SIGILL), "");
  }
  static void RunGemm(Operands operands) {
    const float a = 0, b[kPanel] = {}, bias[kPanel] = {};
    const float* rows = &a;
    float c[kPanel];
    GemmF32 gemm;
    gemm.a = &rows;
    gemm.operands = operands;
    gemm.run_length = gemm.a_step = 1;
    gemm.b = b;
    gemm.columns = gemm.c_step = kPanel;
    gemm.c = c;
    gemm.epilogue.bias = bias;
    RunGemmF32(gemm, 1, 0, 1);
  }
};

TEST_F(ArmInstructions, AreThoseOfDotProducts) {
  ExpectToNeed("+dotprod", [] {
    const uint8_t row[16] = {};
    const WeightLine line = {};
    const int32_t bias[16] = {};
    int32_t acc[16];
    DotSdot({row, 16, 1, &line, bias, acc}, 1, 1);
  });
}

TEST_F(ArmInstructions, AreThoseOfF16) {
  ExpectToNeed("+fhm", [] { RunGemm(Operands::kF16Pairs); });
}

TEST_F(ArmInstructions, AreThoseOfBf16) {
  ExpectToNeed("+bf16", [] { RunGemm(Operands::kBf16Pairs); });
}

TEST_F(ArmInstructions, OfF32AreEveryProcessors) {
  ExpectToNeed("", [] { RunGemm(Operands::kF32); });
}

// A precision whose products round their operands to 16 bits and whose sums are f32.
struct Narrow {
  Precision precision;
  double large;      // a number of it that, with 1 added, is none
  double above_one;  // rounds to 1 in it
  const char* product;
  const char* convolution;
};

void PrintTo(const Narrow& narrow, std::ostream* out) { *out << NameOf(narrow.precision); }

class NarrowProducts : public testing::TestWithParam<Narrow> {
 protected:
  // A sum of `repeats` times large + 1 + 1 + above_one.
  CaseScene SceneOf(const char* op, Dims x, Dims w, Attrs attrs, int repeats) const {
    std::vector<double> values;
    for (int i = 0; i < repeats; ++i)
      values.insert(values.end(), {GetParam().large, 1, 1, GetParam().above_one});
    const TestCase test{
        "narrow",
        {{.dims = std::move(x), .values = values},
         {.dims = std::move(w), .values = std::vector<double>(values.size(), 1), .is_constant = true}},
        std::move(attrs)};
    auto scene = MakeCaseScene(*FindOp(op), test, kSeed);
    EXPECT_TRUE(scene.ok()) << scene.status().ToString();
    return std::move(*scene);
  }

  void ExpectRounded(const char* tactic_name, CaseScene scene, int repeats) const {
    SCOPED_TRACE(tactic_name);
    const Tactic& tactic = *FindTactic(tactic_name);
    const auto step = MakeStep(scene.graph, scene.node());
    ASSERT_TRUE(step.ok());
    ASSERT_EQ(tactic.WhyNot(*step), FindBackend("cpu")->WhyNo(GetParam().precision));
    if (tactic.WhyNot(*step)) return;
    const auto want = RunReference(scene.graph, scene.node(), scene.operands(), nullptr);
    ASSERT_TRUE(want.ok());
    const auto got = RunTactic(tactic, *step, scene, *want);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    const auto rounded = static_cast<float>(repeats * (GetParam().large + 3));
    EXPECT_EQ((*got)[0].tensor.as<float>()[0], rounded);
    EXPECT_NE((*want)[0].tensor.as<float>()[0], rounded);
  }
};

TEST_P(NarrowProducts, RoundOperandsAndNoSums) {
  const Attrs last = {{"layout", std::string("channels_last")}};
  ExpectRounded(GetParam().product, SceneOf("MatMul", {1, 4}, {4, 1}, {}, 1), 1);
  // Pixels that are read where they lie, and copied ones.
  ExpectRounded(GetParam().convolution, SceneOf("Conv", {1, 1, 1, 4}, {1, 1, 1, 4}, last, 1), 1);
  ExpectRounded(GetParam().convolution, SceneOf("Conv", {1, 1, 3, 4}, {1, 1, 3, 4}, last, 3), 3);
}

constexpr double kHalfLarge = 2048, kHalfAboveOne = 1 + 1.0 / 4096;  // 11 bits
constexpr double kBf16Large = 256, kBf16AboveOne = 1 + 1.0 / 512;    // 8 bits

INSTANTIATE_TEST_SUITE_P(
    All, NarrowProducts,
    testing::Values(Narrow{Precision::kF16, kHalfLarge, kHalfAboveOne, "cpu/matmul_f16", "cpu/conv_f16"},
                    Narrow{Precision::kBf16, kBf16Large, kBf16AboveOne, "cpu/matmul_bf16", "cpu/conv_bf16"}),
    [](const auto& info) { return NameOf(info.param.precision); });

}  // namespace
}  // namespace slipway::cpu
