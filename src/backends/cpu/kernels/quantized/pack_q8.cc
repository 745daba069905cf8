// Packing of 8-bit weights (conv_q8.h) and the choice of the form.
#include <algorithm>
#include <cstring>

#include "backends/cpu/kernels/quantized/conv_q8.h"
#include "backends/cpu/kernels/simd/targets.h"
#include "hwy/targets.h"

namespace slipway::cpu {
namespace {

// Where depth step k of channel o stands.
template <class T>
T* Place(PackedQ8& packed, int64_t o, int64_t k) {
  constexpr int64_t kEach = 4 / static_cast<int64_t>(sizeof(T));
  WeightLine& line = packed.lines[static_cast<size_t>(o / kQuantPanel * packed.groups + k / kEach)];
  return reinterpret_cast<T*>(line.bytes) + o % kQuantPanel * kEach + k % kEach;
}

void PackWiden(const FilterQ8& filter, PackedQ8& packed) {
  for (int64_t o = 0; o < filter.out_c; ++o) {
    for (int64_t k = 0; k < filter.depth; ++k) {
      const int32_t w = filter.weights[static_cast<size_t>(o * filter.depth + k)] - filter.w_zero;
      *Place<int16_t>(packed, o, k) = static_cast<int16_t>(w);
    }
    packed.bias[static_cast<size_t>(o)] = filter.bias[static_cast<size_t>(o)];
  }
}

// What is taken from the weights to fit i8: all of the zero point if that does, else half the range of u8.
int32_t ShiftOf(const FilterQ8& filter) {
  const auto [least, most] = std::minmax_element(filter.weights.begin(), filter.weights.end());
  const bool fits = *least - filter.w_zero >= -128 && *most - filter.w_zero <= 127;
  if (fits) return filter.w_zero;
  return *most > 127 ? 128 : 0;
}

void PackVnni(const FilterQ8& filter, PackedQ8& packed) {
  const int32_t shift = ShiftOf(filter);
  const int32_t w_zero = filter.w_zero - shift;
  packed.x_zero = filter.x_zero + (filter.is_signed ? 128 : 0);
  packed.sum_factor = -w_zero;
  for (int64_t o = 0; o < filter.out_c; ++o) {
    int64_t sum = 0;
    for (int64_t k = 0; k < filter.depth; ++k) {
      const int32_t w = filter.weights[static_cast<size_t>(o * filter.depth + k)] - shift;
      *Place<int8_t>(packed, o, k) = static_cast<int8_t>(w);
      sum += w;
    }
    const int64_t fixed =
        filter.bias[static_cast<size_t>(o)] - packed.x_zero * sum + filter.depth * packed.x_zero * w_zero;
    packed.bias[static_cast<size_t>(o)] = static_cast<int32_t>(fixed);
  }
}

}  // namespace

DotForm BestDotForm() {
#if defined(__x86_64__) && !defined(HWY_COMPILE_ONLY_SCALAR)
  __builtin_cpu_init();
  const int64_t targets = hwy::SupportedTargets();
  // Machines that have AVX3_DL (all with GFNI) are held back from VNNI by leaving that target out; some have
  // VNNI without the rest of it.
  const bool is_allowed = (targets & HWY_AVX3_DL) != 0 || !__builtin_cpu_supports("gfni");
  if (is_allowed && (targets & HWY_AVX3) != 0 && __builtin_cpu_supports("avx512vnni")) return DotForm::kVnni;
#endif
  return DotForm::kWiden;
}

bool FitsQ8(int64_t depth) { return depth <= (kGatherBytes - 64) / 2 - 2; }

PackedQ8 PackQ8(const FilterQ8& filter, DotForm form) {
  PackedQ8 packed;
  packed.form = form;
  packed.is_signed = filter.is_signed;
  packed.out_c = filter.out_c;
  packed.depth = filter.depth;
  packed.x_zero = filter.x_zero;
  const int64_t each = form == DotForm::kVnni ? 4 : 2;
  packed.groups = (filter.depth + each - 1) / each;
  const int64_t panels = QuantPanelsOf(filter.out_c);
  packed.lines.assign(static_cast<size_t>(panels * packed.groups), WeightLine{});
  packed.bias.assign(static_cast<size_t>(panels * kQuantPanel), 0);
  if (form == DotForm::kVnni) {
    PackVnni(filter, packed);
  } else {
    PackWiden(filter, packed);
  }
  return packed;
}

}  // namespace slipway::cpu
