// Packing of 8-bit weights (conv_q8.h) and the choice of the form.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "backends/cpu/kernels/quantized/conv_q8.h"
#include "backends/cpu/kernels/simd/arm_extensions.h"
#include "backends/cpu/kernels/simd/supported_targets.h"
#include "backends/cpu/kernels/simd/targets.h"
#include "base/round_up.h"
#include "hwy/targets.h"

namespace slipway::cpu {
namespace {

// The numbers of a packed filter while they are written.
struct Places {
  Places(const PackedQ8& shape, WeightLine* all)
      : groups(shape.groups),
        lines(all),
        bias(reinterpret_cast<int32_t*>(all + shape.weight_lines())),
        sum_factor(bias + QuantPanelsOf(shape.out_c) * kQuantPanel) {}

  // Where depth step k of channel o stands.
  template <class T>
  T* Weight(int64_t o, int64_t k) const {
    constexpr int64_t kEach = 4 / static_cast<int64_t>(sizeof(T));
    WeightLine& line = lines[o / kQuantPanel * groups + k / kEach];
    return reinterpret_cast<T*>(line.bytes) + o % kQuantPanel * kEach + k % kEach;
  }

  int64_t groups;
  WeightLine* lines;
  int32_t* bias;
  int32_t* sum_factor;
};

void PackWiden(const FilterQ8& filter, const PackedQ8& shape, const Places& to) {
  for (int64_t o = 0; o < shape.out_c; ++o) {
    for (int64_t k = 0; k < shape.depth; ++k) {
      const int32_t w = filter.weights[static_cast<size_t>(o * shape.depth + k)] - filter.w_zero;
      *to.Weight<int16_t>(o, k) = static_cast<int16_t>(w);
    }
    to.bias[o] = filter.bias[static_cast<size_t>(o)];
  }
}

// What is taken from the weights to fit i8: all of the zero point if that does, else half the range of u8.
int32_t ShiftOf(const FilterQ8& filter) {
  const auto [least, most] = std::minmax_element(filter.weights.begin(), filter.weights.end());
  const bool fits = *least - filter.w_zero >= -128 && *most - filter.w_zero <= 127;
  if (fits) return filter.w_zero;
  return *most > 127 ? 128 : 0;
}

void PackBytes(const FilterQ8& filter, const PackedQ8& shape, const Places& to) {
  const int32_t shift = ShiftOf(filter);
  const int32_t w_zero = filter.w_zero - shift;
  *to.sum_factor = -w_zero;
  for (int64_t o = 0; o < shape.out_c; ++o) {
    int64_t sum = 0;
    for (int64_t k = 0; k < shape.depth; ++k) {
      const int32_t w = filter.weights[static_cast<size_t>(o * shape.depth + k)] - shift;
      *to.Weight<int8_t>(o, k) = static_cast<int8_t>(w);
      sum += w;
    }
    const int64_t fixed =
        filter.bias[static_cast<size_t>(o)] - shape.x_zero * sum + shape.depth * shape.x_zero * w_zero;
    to.bias[o] = static_cast<int32_t>(fixed);
  }
}

constexpr int kNotHeld = -1;
std::atomic<int> held_form = kNotHeld;  // a DotForm

}  // namespace

DotForm BestDotForm() {
  const int held = held_form.load(std::memory_order_relaxed);
  if (held != kNotHeld) return static_cast<DotForm>(held);
#if defined(HWY_COMPILE_ONLY_SCALAR)
  return DotForm::kWiden;
#elif defined(__x86_64__)
  __builtin_cpu_init();
  const int64_t targets = SupportedTargets();
  // Machines that have AVX3_DL (all with GFNI) are held back from VNNI by leaving that target out; some have
  // VNNI without the rest of it.
  const bool is_allowed = (targets & HWY_AVX3_DL) != 0 || !__builtin_cpu_supports("gfni");
  if (is_allowed && (targets & HWY_AVX3) != 0 && __builtin_cpu_supports("avx512vnni")) return DotForm::kVnni;
#endif
  return FindArmExtensions().dot_products ? DotForm::kSdot : DotForm::kWiden;
}

void HoldDotsTo(std::optional<DotForm> form) {
  held_form.store(form ? static_cast<int>(*form) : kNotHeld, std::memory_order_relaxed);
}

bool FitsQ8(int64_t depth) { return depth <= (kGatherBytes - 64) / 2 - 2; }

PackedQ8 PackedQ8::Of(int64_t out_c, int64_t depth, int32_t x_zero, bool is_signed, DotForm form) {
  PackedQ8 packed;
  packed.form = form;
  packed.is_signed = is_signed;
  packed.out_c = out_c;
  packed.depth = depth;
  packed.is_flipped = IsOfBytes(form) && is_signed == (form == DotForm::kVnni);
  packed.x_zero = x_zero + (!packed.is_flipped ? 0 : is_signed ? 128 : -128);
  const int64_t each = IsOfBytes(form) ? 4 : 2;
  packed.groups = DivideUp(depth, each);
  return packed;
}

void PackQ8(const FilterQ8& filter, const PackedQ8& shape, WeightLine* lines) {
  const Places places(shape, lines);
  if (IsOfBytes(shape.form)) {
    PackBytes(filter, shape, places);
  } else {
    PackWiden(filter, shape, places);
  }
}

}  // namespace slipway::cpu
