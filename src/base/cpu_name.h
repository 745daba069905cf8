// The processor's own name of its kind.
#pragma once

#include <string>

namespace slipway {

// "AuthenticAMD/26/68/0" (vendor, family, model, stepping) on x86, "aarch64/0x00000000410fd034" (the kernel's
// name and MIDR)
// elsewhere. Printable, without blanks.
std::string CpuName();

}  // namespace slipway
