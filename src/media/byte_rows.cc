#include "media/byte_rows.h"

#include <algorithm>
#include <cstring>

#include "base/round_up.h"
#include "base/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "media/byte_rows.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::media {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Ints = hn::CappedTag<int32_t, 16>;
using FourInts = hn::CappedTag<int32_t, 4>;

#if HWY_TARGET == HWY_SCALAR

void SpreadPixels(const uint8_t* rgb, size_t count, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) std::copy_n(rgb + 3 * i, 3, out + 4 * i);
}

template <int kShift, class Out>
void FilterAcross(const ByteTaps& taps, int channels, const uint8_t* pixels, int32_t start, Out* out) {
  constexpr int32_t kMost = sizeof(Out) == 1 ? 255 : 32767;
  const int32_t* weights = taps.weights.data();
  for (const int32_t first : taps.first) {
    for (int c = 0; c < channels; ++c) {
      int32_t sum = start;
      for (int j = 0; j < taps.width; ++j) sum += weights[j] * pixels[(first + j) * 4 + c];
      *out++ = static_cast<Out>(std::clamp(sum >> kShift, 0, kMost));
    }
    weights += taps.width;
  }
}

size_t PackVectors(const uint8_t*, size_t, const float*, const float*, float*) { return 0; }

#else

// The four channels' sums over the taps that the vector holds.
template <class D>
HWY_INLINE hn::Vec<FourInts> SumTaps(D d, hn::Vec<D> sums) {
  if constexpr (hn::MaxLanes(d) > 4) {
    const hn::Half<D> half;
    return SumTaps(half, hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums)));
  } else {
    return sums;
  }
}

// Four bytes of each pixel.
void SpreadPixels(const uint8_t* rgb, size_t count, uint8_t* out) {
  const hn::CappedTag<uint8_t, 16> d;
  alignas(16) static constexpr uint8_t kFrom[16] = {0, 1, 2, 128, 3, 4, 5, 128, 6, 7, 8, 128, 9, 10, 11, 128};
  const auto from = hn::Load(d, kFrom);
  size_t i = 0;
  for (; i + 6 <= count; i += 4)  // 16 bytes are read, of them 12 used
    hn::StoreU(hn::TableLookupBytesOr0(hn::LoadU(d, rgb + 3 * i), from), d, out + 4 * i);
  for (; i < count; ++i) std::copy_n(rgb + 3 * i, 3, out + 4 * i);
}

// pixels: of four bytes. Several taps of all channels are one vector.
template <int kShift, class Out>
void FilterAcross(const ByteTaps& taps, int channels, const uint8_t* pixels, int32_t start, Out* out) {
  const Ints d;
  const hn::Rebind<uint8_t, Ints> bytes;
  const FourInts four;
  const hn::Rebind<Out, FourInts> result;
  const auto at_once = static_cast<int>(hn::Lanes(d)) / 4;
  alignas(64) int32_t tap_of_lane[hn::MaxLanes(d)];
  for (size_t i = 0; i < hn::Lanes(d); ++i) tap_of_lane[i] = static_cast<int32_t>(i / 4);
  const auto spread = hn::SetTableIndices(d, tap_of_lane);
  const int32_t* weights = taps.weights.data();
  const auto round = hn::Set(four, start);
  for (const int32_t first : taps.first) {
    const uint8_t* window = pixels + static_cast<ptrdiff_t>(first) * 4;
    auto sums = hn::Zero(d);
    for (int j = 0; j < taps.width; j += at_once) {
      const auto samples = hn::PromoteTo(d, hn::LoadU(bytes, window + j * 4));
      const auto weight = hn::TableLookupLanes(hn::LoadU(d, weights + j), spread);
      sums = hn::Add(sums, hn::Mul(samples, weight));
    }
    weights += taps.width;
    const auto sum = hn::ShiftRight<kShift>(hn::Add(SumTaps(d, sums), round));
    hn::StoreU(hn::DemoteTo(result, sum), result, out);  // the next pixel covers what is too much
    out += channels;
  }
}

// How many pixels are packed: whole vectors.
size_t PackVectors(const uint8_t* pixels, size_t count, const float* mean, const float* std, float* planes) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<int32_t, decltype(d)> ints;
  const hn::Rebind<uint8_t, decltype(d)> bytes;
  size_t i = 0;
  const auto store = [&](auto channel, size_t c) HWY_ATTR {
    const auto value = hn::ConvertTo(d, hn::PromoteTo(ints, channel));
    const auto centred = hn::Sub(value, hn::Set(d, mean[c]));
    hn::StoreU(hn::Div(centred, hn::Set(d, std[c])), d, planes + c * count + i);
  };
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    hn::Vec<decltype(bytes)> red, green, blue;
    hn::LoadInterleaved3(bytes, pixels + 3 * i, red, green, blue);
    store(red, 0);
    store(green, 1);
    store(blue, 2);
  }
  return i;
}

#endif  // not scalar

bool IsForVnni() { return HWY_TARGET == HWY_AVX3_DL; }

void AcrossPil(const ByteTaps& taps, int channels, const uint8_t* pixels, uint8_t* out) {
  FilterAcross<kPilBits>(taps, channels, pixels, kPilHalf, out);
}

void AcrossOpenCv(const ByteTaps& taps, int channels, const uint8_t* pixels, int16_t* out) {
  FilterAcross<4>(taps, channels, pixels, 0, out);
}

template <class D>
HWY_INLINE void BlendPil(D d, std::span<const uint8_t* const> rows, const int32_t* weights, size_t i,
                         uint8_t* out) {
  const hn::Rebind<uint8_t, D> bytes;
  auto sum = hn::Set(d, kPilHalf);
  for (size_t j = 0; j < rows.size(); ++j) {
    const auto samples = hn::PromoteTo(d, hn::LoadU(bytes, rows[j] + i));
    sum = hn::Add(sum, hn::Mul(samples, hn::Set(d, weights[j])));
  }
  hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<kPilBits>(sum)), bytes, out + i);
}

void DownPil(std::span<const uint8_t* const> rows, const int32_t* weights, size_t count, uint8_t* out) {
  const Ints d;
  const hn::CappedTag<int32_t, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) BlendPil(d, rows, weights, i, out);
  for (; i < count; ++i) BlendPil(one, rows, weights, i, out);
}

template <class D>
HWY_INLINE void BlendOpenCv(D d, std::span<const int16_t* const> rows, const int16_t* weights, size_t i,
                            uint8_t* out) {
  const hn::Rebind<uint8_t, D> bytes;
  auto sum = hn::Set(d, int16_t{2});
  for (size_t j = 0; j < rows.size(); ++j)
    sum = hn::Add(sum, hn::MulHigh(hn::LoadU(d, rows[j] + i), hn::Set(d, weights[j])));
  hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<2>(sum)), bytes, out + i);
}

void DownOpenCv(std::span<const int16_t* const> rows, const int16_t* weights, size_t count, uint8_t* out) {
  const hn::CappedTag<int16_t, 32> d;
  const hn::CappedTag<int16_t, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) BlendOpenCv(d, rows, weights, i, out);
  for (; i < count; ++i) BlendOpenCv(one, rows, weights, i, out);
}

void PackPlanes(const uint8_t* pixels, size_t count, const float* mean, const float* std, float* planes) {
  for (size_t i = PackVectors(pixels, count, mean, std, planes); i < count; ++i) {
    for (size_t c = 0; c < 3; ++c)
      planes[c * count + i] = (static_cast<float>(pixels[3 * i + c]) - mean[c]) / std[c];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace slipway::media
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::media {
namespace {

HWY_EXPORT(SpreadPixels);
HWY_EXPORT(IsForVnni);
HWY_EXPORT(AcrossPil);
HWY_EXPORT(AcrossOpenCv);
HWY_EXPORT(DownPil);
HWY_EXPORT(DownOpenCv);
HWY_EXPORT(PackPlanes);

constexpr int kTapsAtOnce = 4;   // of the longest vector
constexpr size_t kLongest = 16;  // lanes; weights are loaded by whole vectors

}  // namespace

ByteRowFilter::ByteRowFilter(RowStyle style, const ByteTaps& taps, int channels, int in_width)
    : channels_(channels),
      in_width_(in_width),
      width_(static_cast<int>(RoundUp(taps.width, kTapsAtOnce))),
      pixels_((static_cast<size_t>(in_width) + kTapsAtOnce) * 4 + VnniTaps::kReadBehind) {
  if (style == RowStyle::kPil && HWY_DYNAMIC_DISPATCH(IsForVnni)()) {
    vnni_ = MakeVnniTaps(taps, channels);
    return;
  }
  first_.assign(taps.first.begin(), taps.first.end());
  weights_.resize(first_.size() * static_cast<size_t>(width_) + kLongest);
  const auto width = static_cast<size_t>(taps.width);
  for (size_t x = 0; x < first_.size(); ++x)
    std::copy_n(&taps.weights[x * width], width, &weights_[x * static_cast<size_t>(width_)]);
}

ByteTaps ByteRowFilter::Spread(const uint8_t* row) {
  const auto count = static_cast<size_t>(in_width_);
  if (channels_ == 3)
    HWY_DYNAMIC_DISPATCH(SpreadPixels)(row, count, pixels_.data());
  else
    std::copy_n(row, 4 * count, pixels_.data());
  return {width_, first_, weights_};
}

void ByteRowFilter::RunVnni(std::span<const uint8_t> rows, uint8_t* out) {
  const size_t bytes = static_cast<size_t>(in_width_) * static_cast<size_t>(channels_);
  const bool is_last = rows.size() < bytes + VnniTaps::kReadBehind;
  if (is_last) std::copy_n(rows.data(), bytes, pixels_.data());
  AcrossPilVnni(*vnni_, is_last ? pixels_.data() : rows.data(), out);
}

void ByteRowFilter::Run(std::span<const uint8_t> rows, uint8_t* out) {
  if (vnni_) return RunVnni(rows, out);
  const ByteTaps taps = Spread(rows.data());
  HWY_DYNAMIC_DISPATCH(AcrossPil)(taps, channels_, pixels_.data(), out);
}

void ByteRowFilter::Run(std::span<const uint8_t> rows, int16_t* out) {
  const ByteTaps taps = Spread(rows.data());
  HWY_DYNAMIC_DISPATCH(AcrossOpenCv)(taps, channels_, pixels_.data(), out);
}

void BlendRows(std::span<const uint8_t* const> rows, const int32_t* weights, size_t count, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(DownPil)(rows, weights, count, out);
}

void BlendRows(std::span<const int16_t* const> rows, const int16_t* weights, size_t count, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(DownOpenCv)(rows, weights, count, out);
}

void PackRgbPlanes(const uint8_t* pixels, size_t count, const float* mean, const float* std, float* planes) {
  HWY_DYNAMIC_DISPATCH(PackPlanes)(pixels, count, mean, std, planes);
}

}  // namespace slipway::media
#endif
