// What an ARM processor has beyond the NEON that Highway's target is compiled for: asked for at run time.
#pragma once

namespace slipway::cpu {

struct ArmExtensions {
  bool dot_products = false;  // SDOT: 8-bit integers, four at a time (ARMv8.2 DotProd)
  bool f16_products = false;  // FMLAL: products of f16, summed in f32 (ARMv8.2 FHM)
  bool bf16 = false;          // BFDOT, BFCVTN: pairs of bf16, summed in f32 (ARMv8.6 BF16)
};

// None on other machines, and none but 64-bit ones that run Linux.
ArmExtensions FindArmExtensions();
// From now on none but those of `most`.
void HoldArmTo(const ArmExtensions& most);

}  // namespace slipway::cpu
