#include "backends/cpu/kernels/simd/arm_extensions.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace slipway::cpu {
namespace {

ArmExtensions OfMachine() {
  ArmExtensions found;
#if defined(__aarch64__) && defined(__linux__) && !defined(HWY_COMPILE_ONLY_SCALAR)
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  found.dot_products = (first & HWCAP_ASIMDDP) != 0;
  found.f16_products = (first & HWCAP_ASIMDFHM) != 0;
  found.bf16 = (second & HWCAP2_BF16) != 0;
#endif
  return found;
}

// Narrowed before kernels run (cpu.cc), read by many threads afterwards.
ArmExtensions& Allowed() {
  static ArmExtensions allowed = OfMachine();
  return allowed;
}

}  // namespace

ArmExtensions FindArmExtensions() { return Allowed(); }

void HoldArmTo(const ArmExtensions& most) {
  ArmExtensions& allowed = Allowed();
  allowed.dot_products = allowed.dot_products && most.dot_products;
  allowed.f16_products = allowed.f16_products && most.f16_products;
  allowed.bf16 = allowed.bf16 && most.bf16;
}

}  // namespace slipway::cpu
