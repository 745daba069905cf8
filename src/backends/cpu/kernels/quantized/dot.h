// Dot products of 8-bit rows with packed weights: the inner loop of quantised convolution, and its forms.
//
// A form decides how weights and rows are laid out; a machine may offer several, and one is chosen when the
// weights are packed.
#pragma once

#include <cstdint>
#include <optional>

namespace slipway::cpu {

enum class DotForm {
  kWiden,  // rows and weights as 16-bit integers less their zero points; any machine
  kVnni,   // u8 rows times i8 weights, four at a time (AVX-512 VNNI)
  kSdot,   // i8 rows times i8 weights, four at a time (the dot product of ARMv8.2)
};
inline bool IsOfBytes(DotForm form) { return form != DotForm::kWiden; }
// The fastest form of this machine, within the instruction sets that kernels are held to.
DotForm BestDotForm();
// From now on that is `form`, whether the machine has it or not: for tests of what is packed. nullopt: the
// machine's own again.
void HoldDotsTo(std::optional<DotForm> form);

// Weights of 16 channels for 4 (of bytes: [16][4] i8) or 2 (kWiden: [16][2] i16) steps of depth.
struct alignas(64) WeightLine {
  uint8_t bytes[64];
};

// acc[r][p * 16 + o] = bias[p * 16 + o] + sum of row r times the weights of panel p, modulo 2^32.
struct DotCall {
  const uint8_t* rows = nullptr;  // `row_step` bytes apart, groups * 4 bytes each
  int64_t row_step = 0;
  int64_t groups = 0;                   // lines per panel
  const WeightLine* weights = nullptr;  // panel p at weights + p * groups
  const int32_t* bias = nullptr;
  int32_t* acc = nullptr;  // dense
};

inline constexpr int64_t kDotRows = 12;  // at most, of one call
inline constexpr int64_t kDotPanels = 2;

// 1 <= rows <= kDotRows, 1 <= panels <= kDotPanels. REQUIRES: the machine has the form, and the weights are
// packed for it.
void DotVnni(const DotCall& call, int64_t rows, int64_t panels);
void DotSdot(const DotCall& call, int64_t rows, int64_t panels);

}  // namespace slipway::cpu
