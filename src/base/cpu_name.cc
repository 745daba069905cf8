#include "base/cpu_name.h"

#include <sys/utsname.h>

#include <cstring>
#include <fstream>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace slipway {

#if defined(__x86_64__) || defined(__i386__)

// Leaves 0 and 1 of CPUID: Intel's manual, volume 2A, and AMD's volume 3, appendix D.
std::string CpuName() {
  unsigned eax = 0, words[3] = {};
  if (__get_cpuid(0, &eax, &words[0], &words[2], &words[1]) == 0) return "x86";
  char vendor[13] = {};
  std::memcpy(vendor, words, 12);
  for (char* c = vendor; *c != '\0'; ++c) {
    if (*c <= ' ' || *c > '~') *c = '_';
  }
  unsigned ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return vendor;
  unsigned family = (eax >> 8) & 0xF;
  unsigned model = (eax >> 4) & 0xF;
  if (family == 6 || family == 15) model += ((eax >> 16) & 0xF) << 4;
  if (family == 15) family += (eax >> 20) & 0xFF;
  return std::string(vendor) + "/" + std::to_string(family) + "/" + std::to_string(model) + "/" +
         std::to_string(eax & 0xF);
}

#else

std::string CpuName() {
  struct utsname names {};
  std::string name = ::uname(&names) == 0 ? names.machine : "unknown";
  std::ifstream midr("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1");
  std::string word;
  if (midr >> word) name += "/" + word;
  return name;
}

#endif

}  // namespace slipway
