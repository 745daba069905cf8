#include "media/byte_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "base/simd/targets.h"
// The instruction sets come first.
#include "hwy/targets.h"

namespace slipway::media {
namespace {

class ByteRowsTest : public ::testing::Test {
 protected:
  // Checks on each instruction set that this machine has.
  template <class Check>
  void OnEachTarget(const Check& check) {
    std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
    if (targets.empty()) targets.push_back(HWY_STATIC_TARGET);
    for (const int64_t target : targets) {
      SCOPED_TRACE(hwy::TargetName(target));
      hwy::SetSupportedTargetsForTest(target);
      check();
    }
    hwy::SetSupportedTargetsForTest(0);
  }

  template <class T>
  std::vector<T> Random(size_t count, int low, int high) {
    std::uniform_int_distribution<int> numbers(low, high);
    std::vector<T> values(count);
    for (T& value : values) value = static_cast<T>(numbers(random_));
    return values;
  }

  std::mt19937 random_{7};
};

uint8_t Pil(int64_t sum) { return static_cast<uint8_t>(std::clamp<int64_t>(sum >> 22, 0, 255)); }

// How neighbouring windows lie, and whether the row is the image's last one.
enum class Order { kRandom, kAscending };
enum class Behind { kNothing, kRows };

// Windows of random places and weights; a negative one among them makes sums beyond a byte on both sides.
TEST_F(ByteRowsTest, FiltersAcross) {
  for (const auto& [channels, order, behind] : {std::tuple{3, Order::kRandom, Behind::kNothing},
                                                {4, Order::kRandom, Behind::kNothing},
                                                {3, Order::kAscending, Behind::kNothing},
                                                {4, Order::kAscending, Behind::kNothing},
                                                {3, Order::kRandom, Behind::kRows},
                                                {3, Order::kAscending, Behind::kRows}}) {
    for (const int taps : {1, 2, 3, 4, 5, 8, 9}) {
      const int in_width = taps + 13, outputs = 37;
      auto first = Random<int32_t>(outputs, 0, in_width - taps);
      if (order == Order::kAscending) std::sort(first.begin(), first.end());
      auto weights = Random<int32_t>(static_cast<size_t>(outputs * taps), -(1 << 21), 1 << 22);
      for (int32_t& weight : weights) weight /= taps;
      const int rows = behind == Behind::kRows ? 3 : 1;
      const auto pixels = Random<uint8_t>(static_cast<size_t>(rows * in_width * channels), 0, 255);
      OnEachTarget([&, channels = channels] {
        ByteRowFilter filter(RowStyle::kPil, {taps, first, weights}, channels, in_width);
        std::vector<uint8_t> found(static_cast<size_t>(outputs * channels) + ByteRowFilter::kSpare);
        filter.Run(pixels, found.data());
        for (int i = 0; i < outputs * channels; ++i) {
          const auto x = static_cast<size_t>(i / channels);
          int64_t sum = 1 << 21;
          for (int j = 0; j < taps; ++j)
            sum += int64_t{weights[x * static_cast<size_t>(taps) + static_cast<size_t>(j)]} *
                   pixels[static_cast<size_t>((first[x] + j) * channels + i % channels)];
          ASSERT_EQ(found[static_cast<size_t>(i)], Pil(sum))
              << channels << " channels, " << taps << " taps, " << i;
        }
      });
    }
  }
}

TEST_F(ByteRowsTest, FiltersAcrossAsOpenCv) {
  for (const int channels : {3, 4}) {
    const int in_width = 19, outputs = 50;
    const auto first = Random<int32_t>(outputs, 0, in_width - 2);
    auto weights = Random<int32_t>(outputs * 2, 0, 2048);
    for (size_t x = 0; x < outputs; ++x) weights[2 * x + 1] = 2048 - weights[2 * x];
    auto row = Random<uint8_t>(static_cast<size_t>(in_width * channels), 0, 255);
    std::fill_n(row.begin(), 6 * channels, uint8_t{255});  // the largest sums
    OnEachTarget([&] {
      ByteRowFilter filter(RowStyle::kOpenCv, {2, first, weights}, channels, in_width);
      std::vector<int16_t> found(static_cast<size_t>(outputs * channels) + ByteRowFilter::kSpare);
      filter.Run(row, found.data());
      for (int i = 0; i < outputs * channels; ++i) {
        const auto x = static_cast<size_t>(i / channels);
        const auto at = static_cast<size_t>(first[x] * channels + i % channels);
        const int sum =
            weights[2 * x] * row[at] + weights[2 * x + 1] * row[at + static_cast<size_t>(channels)];
        ASSERT_EQ(found[static_cast<size_t>(i)], sum >> 4) << channels << " channels, " << i;
      }
    });
  }
}

TEST_F(ByteRowsTest, BlendsRows) {
  for (const size_t count : {1, 3, 16, 100, 673}) {
    for (const size_t taps : {1, 2, 3, 7}) {
      const auto bytes = Random<uint8_t>(taps * count, 0, 255);
      auto weights = Random<int32_t>(taps, -(1 << 21), 1 << 22);
      for (int32_t& weight : weights) weight /= static_cast<int32_t>(taps);
      std::vector<const uint8_t*> rows;
      for (size_t j = 0; j < taps; ++j) rows.push_back(&bytes[j * count]);
      OnEachTarget([&] {
        std::vector<uint8_t> found(count);
        BlendRows(rows, weights.data(), count, found.data());
        for (size_t i = 0; i < count; ++i) {
          int64_t sum = 1 << 21;
          for (size_t j = 0; j < taps; ++j) sum += int64_t{weights[j]} * rows[j][i];
          ASSERT_EQ(found[i], Pil(sum)) << count << " samples, " << taps << " taps, " << i;
        }
      });
    }
  }
}

TEST_F(ByteRowsTest, BlendsRowsAsOpenCv) {
  for (const size_t count : {1, 7, 32, 45, 1440}) {
    const auto above = Random<int16_t>(count, 0, 32640), below = Random<int16_t>(count, 0, 32640);
    const int16_t* const rows[] = {above.data(), below.data()};
    for (const int16_t weight : {0, 1, 700, 1024, 2048}) {
      const int16_t weights[] = {weight, static_cast<int16_t>(2048 - weight)};
      for (const size_t taps : {1, 2}) {
        OnEachTarget([&] {
          std::vector<uint8_t> found(count);
          BlendRows(std::span(rows, taps), weights, count, found.data());
          for (size_t i = 0; i < count; ++i) {
            int sum = 2;
            for (size_t j = 0; j < taps; ++j) sum += (weights[j] * rows[j][i]) >> 16;
            ASSERT_EQ(found[i], std::clamp(sum >> 2, 0, 255))
                << count << " samples, weight " << weight << ", " << i;
          }
        });
      }
    }
  }
}

TEST_F(ByteRowsTest, PacksPlanes) {
  const float mean[] = {123.675F, 116.28F, 0}, std[] = {58.395F, 1, 255};
  for (const size_t count : {1, 15, 16, 17, 300}) {
    const auto pixels = Random<uint8_t>(3 * count, 0, 255);
    OnEachTarget([&] {
      std::vector<float> planes(3 * count);
      PackRgbPlanes(pixels.data(), count, mean, std, planes.data());
      for (size_t i = 0; i < 3 * count; ++i) {
        const float wanted = (static_cast<float>(pixels[i]) - mean[i % 3]) / std[i % 3];
        ASSERT_EQ(planes[i % 3 * count + i / 3], wanted) << count << " pixels, " << i;
      }
    });
  }
}

}  // namespace
}  // namespace slipway::media
