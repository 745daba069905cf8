// A file of its own: Highway 1.0.3 compiles no target with VNNI.
#include "media/byte_rows_vnni.h"

#include <algorithm>
#include <span>

#include "base/round_up.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's bug 105593: in its own header
#endif
#include <immintrin.h>
#endif

namespace slipway::media {

namespace {

constexpr size_t kVector = 64;
constexpr size_t kWindow = 16;  // bytes that are loaded of one output's window
constexpr size_t kOutputs = VnniTaps::kOutputs;
constexpr size_t kTaps = VnniTaps::kTaps;

void SetWeights(const ByteTaps& from, VnniTaps* taps) {
  const auto width = static_cast<size_t>(from.width);
  taps->weights.resize(taps->first.size() / kOutputs * taps->steps);
  for (size_t x = 0; x < from.first.size(); ++x) {
    for (size_t j = 0; j < width; ++j) {
      auto& weights = taps->weights[x / kOutputs * taps->steps + j / kTaps];
      int32_t rest = from.weights[x * width + j];
      for (auto& digit : weights.digits) {
        const auto low = static_cast<int8_t>(rest);
        digit[x % kOutputs][j % kTaps] = low;
        rest = (rest - low) >> 8;
      }
    }
  }
}

// Whether one vector holds a step of all four outputs.
bool IsNear(std::span<const size_t> group, size_t channels) {
  return std::all_of(group.begin(), group.end(), [&](size_t first) {
    return group[0] <= first && first + kTaps * channels <= group[0] + kVector;
  });
}

void SetPlaces(VnniTaps* taps) {
  const std::span<const size_t> first = taps->first;
  for (size_t x = 0; x < first.size(); x += kOutputs)
    taps->is_near &= IsNear(first.subspan(x, kOutputs), taps->channels);
  taps->places.resize(taps->is_near ? first.size() / kOutputs : 1);
  for (size_t group = 0; group < taps->places.size(); ++group) {
    const auto outputs = first.subspan(group * kOutputs, kOutputs);
    for (size_t i = 0; i < kOutputs; ++i) {
      const size_t begin = taps->is_near ? outputs[i] - outputs[0] : i * kWindow;
      for (size_t c = 0; c < taps->channels; ++c) {
        for (size_t tap = 0; tap < kTaps; ++tap)
          taps->places[group].from[c][i][tap] = static_cast<uint8_t>(begin + tap * taps->channels + c);
      }
    }
  }
}

}  // namespace

VnniTaps MakeVnniTaps(const ByteTaps& from, int channels) {
  VnniTaps taps;
  taps.channels = static_cast<size_t>(channels);
  taps.steps = static_cast<size_t>(DivideUp(from.width, kTaps));
  const auto outputs = static_cast<int64_t>(from.first.size());
  for (const int32_t first : from.first) taps.first.push_back(static_cast<size_t>(first) * taps.channels);
  taps.first.resize(static_cast<size_t>(RoundUp(outputs, kOutputs)), taps.first.back());
  SetWeights(from, &taps);
  SetPlaces(&taps);
  for (size_t i = 0; i < kOutputs * taps.channels; ++i)
    taps.interleaved[i] = static_cast<uint8_t>(i % taps.channels * kOutputs + i / taps.channels);
  return taps;
}

#if defined(__x86_64__)
#define SLIPWAY_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi")))

namespace {

SLIPWAY_VNNI __m128i Load16(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
SLIPWAY_VNNI __m512i LoadFour(const void* from) { return _mm512_broadcast_i32x4(Load16(from)); }

template <bool kIsNear>
SLIPWAY_VNNI void RunRow(const VnniTaps& taps, const uint8_t* row, uint8_t* out) {
  const __m128i interleaved = Load16(taps.interleaved);
  const __m512i half = _mm512_set1_epi32(kPilHalf);
  const VnniTaps::Weights* weights = taps.weights.data();
  const VnniTaps::Places* places = taps.places.data();
  __m512i from = _mm512_load_si512(places);
  for (const size_t *first = taps.first.data(), *end = first + taps.first.size(); first != end;
       first += kOutputs) {
    if constexpr (kIsNear) from = _mm512_load_si512(places++);
    __m512i low = half;
    __m512i middle = _mm512_setzero_si512();
    __m512i high = _mm512_setzero_si512();
    const uint8_t* pixels = row;
    for (size_t step = 0; step < taps.steps; ++step, ++weights, pixels += kTaps * taps.channels) {
      __m512i windows;
      if constexpr (kIsNear) {
        windows = _mm512_loadu_si512(pixels + first[0]);
      } else {
        windows = _mm512_castsi128_si512(Load16(pixels + first[0]));
        windows = _mm512_inserti32x4(windows, Load16(pixels + first[1]), 1);
        windows = _mm512_inserti32x4(windows, Load16(pixels + first[2]), 2);
        windows = _mm512_inserti32x4(windows, Load16(pixels + first[3]), 3);
      }
      const __m512i samples = _mm512_permutexvar_epi8(from, windows);
      low = _mm512_dpbusd_epi32(low, samples, LoadFour(weights->digits[0]));
      middle = _mm512_dpbusd_epi32(middle, samples, LoadFour(weights->digits[1]));
      high = _mm512_dpbusd_epi32(high, samples, LoadFour(weights->digits[2]));
    }
    high = _mm512_slli_epi32(high, 16);
    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(low, _mm512_slli_epi32(middle, 8)), high);
    const __m512i whole = _mm512_max_epi32(_mm512_srai_epi32(sum, kPilBits), _mm512_setzero_si512());
    const __m128i bytes = _mm_shuffle_epi8(_mm512_cvtusepi32_epi8(whole), interleaved);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);  // the next pixels cover what is too much
    out += kOutputs * taps.channels;
  }
}

}  // namespace

void AcrossPilVnni(const VnniTaps& taps, const uint8_t* row, uint8_t* out) {
  taps.is_near ? RunRow<true>(taps, row, out) : RunRow<false>(taps, row, out);
}

#else

void AcrossPilVnni(const VnniTaps&, const uint8_t*, uint8_t*) {}

#endif

}  // namespace slipway::media
