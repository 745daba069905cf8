// Spectra worked out by hand, and the fast transform against its definition.
#include <cmath>

#include "ops/signal/fourier.h"
#include "ops/testing.h"

namespace slipway {
namespace {

using Complex = std::complex<double>;

TEST(Fourier, EqualsItsDefinition) {
  for (size_t n : {1, 2, 3, 8, 12, 13, 30}) {
    std::vector<Complex> row(n);
    for (size_t j = 0; j < n; ++j)
      row[j] = {std::sin(1.7 * static_cast<double>(j)), std::cos(0.3 * static_cast<double>(j * j))};
    std::vector<Complex> got = row;
    Fourier(got, FourierDirection::kForward);
    for (size_t k = 0; k < n; ++k) {
      Complex sum = 0;
      for (size_t j = 0; j < n; ++j)
        sum += row[j] * std::polar(1.0, -2 * M_PI * static_cast<double>(j) * static_cast<double>(k) /
                                            static_cast<double>(n));
      EXPECT_NEAR(std::abs(got[k] - sum), 0, 1e-12) << n << " " << k;
    }
  }
}

// 1 + 2 + 3 + 4; 1 - 2i - 3 + 4i; 1 - 2 + 3 - 4.
TEST(DFT, OfFourNumbers) {
  const TestValue x{DType::kF64, {1, 4, 1}, {1, 2, 3, 4}};
  EXPECT_EQ(RunAndShow("DFT", {x}, {{"onesided", int64_t{1}}}), "f64[1,3,2]: 10 0 -2 2 -2 0");
}

TEST(DFT, HalfASpectrumGivesTheSignalBack) {
  const TestValue x{DType::kF32, {1, 3, 2}, {10, 0, -2, 2, -2, 0}};
  EXPECT_EQ(RunAndShow("DFT", {x}, {{"onesided", int64_t{1}}, {"inverse", int64_t{1}}}),
            "f32[1,4,1]: 1 2 3 4");
}

TEST(DFT, RefusesTheAxisOfThePartsOfComplexNumbers) {
  const TestValue x{DType::kF32, {1, 4, 1}, {1, 2, 3, 4}};
  const TestValue axis{DType::kI64, {}, {-1}};
  EXPECT_NE(RunAndShow("DFT", {x, {.is_absent = true}, axis}).find("axis"), std::string::npos);
}

// Frames 1 2 and 3 4 of the signal, weighted by 1 and 2: sums 5 and 11, differences -3 and -5.
TEST(STFT, WeighsEachFrame) {
  const TestValue x{DType::kF32, {1, 5, 1}, {1, 2, 3, 4, 5}};
  const TestValue step{DType::kI64, {}, {2}};
  const TestValue window{DType::kF32, {2}, {1, 2}};
  EXPECT_EQ(RunAndShow("STFT", {x, step, window}), "f32[1,2,2,2]: 5 0 -3 0 11 0 -5 0");
}

TEST(STFT, RefusesFramesThatDoNotFit) {
  const TestValue x{DType::kF32, {1, 5, 1}, {1, 2, 3, 4, 5}};
  const TestValue step{DType::kI64, {}, {2}};
  const TestValue window{DType::kF32, {6}, {1, 1, 1, 1, 1, 1}};
  EXPECT_EQ(RunAndShow("STFT", {x, step, window}), "STFT 'node': frames have 6 samples, the signal 5");
}

TEST(MelWeightMatrix, RefusesEdgesBeyondHalfTheRate) {
  const auto number = [](double value) { return TestValue{DType::kI64, {}, {value}}; };
  const TestValue low{DType::kF32, {}, {0}}, high{DType::kF32, {}, {5000}};
  EXPECT_NE(RunAndShow("MelWeightMatrix", {number(4), number(16), number(8000), low, high}).find("edges"),
            std::string::npos);
}

}  // namespace
}  // namespace slipway
