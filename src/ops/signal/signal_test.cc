// Spectra worked out by hand, and the fast transform against its definition.
#include <algorithm>
#include <cmath>

#include "ops/signal/audio_decoder.h"
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

// The half spectrum of 1 2 3 4: the sum 10, 1 - 3 + i (4 - 2), 1 - 2 + 3 - 4.
TEST(RFFT, OfFourNumbers) {
  const TestValue x{DType::kF32, {4}, {1, 2, 3, 4}};
  const auto result = RunOp("RFFT", {x, {DType::kI32, {1}, {4}}});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const float* y = (*result)[0].tensor.as<float>();
  EXPECT_EQ(std::vector<float>(y, y + 6), (std::vector<float>{10, 0, -2, 2, -2, 0}));
}

// A constant has all of its energy at 0; on integers the spectrum is divided by the length.
TEST(SignalRfft, OfAConstantInFixedPoint) {
  const TestValue x{DType::kI16, {8}, std::vector<double>(8, 4000)};
  EXPECT_EQ(RunAndShow("SignalRfft", {x}, {{"fft_length", int64_t{8}}}), "i16[10]: 4000 0 0 0 0 0 0 0 0 0");
}

TEST(SignalRfft, RefusesLengthsOfOtherFactors) {
  const TestValue x{DType::kI16, {14}, std::vector<double>(14, 1)};
  EXPECT_EQ(RunAndShow("SignalRfft", {x}, {{"fft_length", int64_t{14}}}),
            "SignalRfft 'node': fft_length is 14; lengths of the factors 2, 3 and 5 are done");
}

// A constant's spectrum is its first value; on integers divided by the length. There and back again.
TEST(SignalIrfft, GivesAConstantBack) {
  const TestValue pairs{DType::kI16, {14}, {600, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
  EXPECT_EQ(RunAndShow("SignalIrfft", {pairs}, {{"fft_length", int64_t{12}}}),
            "i16[12]: 50 50 50 50 50 50 50 50 50 50 50 50");
}

// Two samples late.
TEST(SignalDelay, KeepsTheLastSamples) {
  EXPECT_EQ(RunAndShow("SignalDelay", {{DType::kI16, {3}, {3, 4, 5}}, {DType::kI16, {2}, {1, 2}}}),
            "i16[3]: 1 2 3");
}

TEST(SignalFramer, HasRoomForWhatItHolds) {
  const TestValue x{DType::kI16, {2}, {1, 2}};
  const TestValue past{DType::kI16, {3}, {7, 8, 9}};
  const Attrs attrs = {{"frame_size", int64_t{4}}, {"frame_step", int64_t{2}}};
  const auto run = [&](double held) {
    return RunAndShow("SignalFramer", {x, past, {DType::kI32, {}, {held}}}, attrs);
  };
  EXPECT_EQ(run(3), "i16[1,4]: 7 8 9 1");
  EXPECT_EQ(run(1), "i16[1,4]: 0 0 0 0");
  EXPECT_EQ(run(4), "SignalFramer 'node': holds 4 of 3 samples");
}

// 1 2 3 and 10 20 30, two samples apart, over a 100 that was left.
TEST(SignalOverlapAdd, AddsWhereFramesOverlap) {
  const TestValue x{DType::kI16, {2, 3}, {1, 2, 3, 10, 20, 30}};
  EXPECT_EQ(RunAndShow("SignalOverlapAdd", {x, {DType::kI16, {1}, {100}}}, {{"frame_step", int64_t{2}}}),
            "i16[4]: 101 2 13 20");
}

// The first frame stands for the one to its left, too.
TEST(SignalStacker, CopiesTheFirstFrame) {
  const TestValue x{DType::kI16, {2}, {1, 2}};
  const Attrs attrs = {{"num_channels", int64_t{2}}, {"stacker_left_context", int64_t{1}}};
  EXPECT_EQ(RunAndShow("SignalStacker", {x, {DType::kI16, {1, 2}, {8, 9}}, {DType::kI32, {}, {-1}}}, attrs),
            "i16[4]: 1 2 1 2");
}

// 700 needs 10 bits of 15: 5 are left.
TEST(SignalFftAutoScale, LeavesOneBitForTheSign) {
  const TestValue x{DType::kI16, {3}, {700, -3, 0}};
  EXPECT_EQ(RunAndShow("SignalFftAutoScale", {x}), "i16[3]: 22400 -96 0");
}

// Rounded; 65535.5 and more is 65535 while the number fits into 32 bits.
TEST(SignalFilterBankSquareRoot, RoundsToTheNearest) {
  const TestValue x{DType::kU64, {5}, {6, 7, 4294967295.0, 4294967296.0, 1e12}};
  EXPECT_EQ(RunAndShow("SignalFilterBankSquareRoot", {x, {DType::kI32, {}, {0}}}),
            "u32[5]: 2 3 65535 65536 1e+06");
}

// 64 ln 8 = 133.08 of 1 shifted by 3; nothing of 0.
TEST(SignalFilterBankLog, OfPowersOfTwo) {
  const TestValue x{DType::kU32, {3}, {0, 1, 8}};
  EXPECT_EQ(RunAndShow("SignalFilterBankLog", {x},
                       {{"output_scale", int64_t{64}}, {"input_correction_bits", int64_t{3}}}),
            "i16[3]: 0 133 266");
}

// Half of the signal is noise by now, and a quarter always stays.
TEST(SignalSpectralSubtraction, LeavesWhatIsNotNoise) {
  const Attrs attrs = {{"smoothing", int64_t{2}},
                       {"one_minus_smoothing", int64_t{2}},
                       {"alternate_smoothing", int64_t{4}},
                       {"spectral_subtraction_bits", int64_t{2}},
                       {"min_signal_remaining", int64_t{1}}};
  const TestValue x{DType::kU32, {2}, {100, 100}};
  EXPECT_EQ(RunAndShow("SignalSpectralSubtraction", {x, {DType::kU32, {2}, {0, 0}}}, attrs), "u32[2]: 50 25");
}

// A decoder of one byte a sample, two channels.
Result<DecodedAudio> DecodeBytes(std::span<const uint8_t> bytes) {
  if (bytes.size() % 2 != 0) return Status(Code::kInvalidInput, "half a sample");
  Tensor samples(DType::kF32, {static_cast<int64_t>(bytes.size() / 2), 2});
  std::copy(bytes.begin(), bytes.end(), samples.as<float>());
  return DecodedAudio{std::move(samples), 8000};
}

TEST(AudioDecoder, CutsFillsAndRepeats) {
  InstallAudioDecoder(DecodeBytes);
  const TestValue file{DType::kU8, {6}, {1, 2, 3, 4, 5, 6}};
  const auto decode = [&](int64_t samples, int64_t channels) {
    return RunAndShow("AudioDecoder", {file}, {{"desired_samples", samples}, {"desired_channels", channels}});
  };
  EXPECT_EQ(decode(-1, -1), "f32[3,2]: 1 2 3 4 5 6");
  EXPECT_EQ(decode(2, 1), "f32[2,1]: 1 3");
  EXPECT_EQ(decode(4, 3), "f32[4,3]: 1 2 2 3 4 4 5 6 6 0 0 0");
  EXPECT_EQ(decode(0, -1), "f32[0,2]:");
  EXPECT_EQ(decode(-2, 1),
            "AudioDecoder 'node': desired_samples is -2; it must be -1 (as in the file) to 2147483647");
  EXPECT_EQ(RunAndShow("AudioDecoder", {{DType::kU8, {1}, {7}}}), "AudioDecoder 'node': half a sample");
  EXPECT_EQ(RunAndShow("AudioDecoder", {{DType::kU8, {}, {7}}}),
            "AudioDecoder 'node': the file is u8[]; it must be one string, or u8[bytes]");
}

TEST(AudioDecoder, GivesTheRate) {
  InstallAudioDecoder(DecodeBytes);
  const auto outputs = RunOp("AudioDecoder", {{DType::kU8, {2}, {1, 2}}}, {}, {std::nullopt, std::nullopt});
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ(Show((*outputs)[1].tensor), "i32[]: 8000");
}

}  // namespace
}  // namespace slipway
