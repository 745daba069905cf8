# ARMv7-A, hard float, with NEON and VFPv4 (fused multiply-add): Cortex-A7, A15, A17 and everything newer in 32-bit mode.
# Highway's half floats need a format for __fp16; -Wno-psabi: GCC's notes on its version 7.1.
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(SLIPWAY_TRIPLET arm-linux-gnueabihf)
set(SLIPWAY_ARCH armhf)
set(SLIPWAY_QEMU arm)
set(CMAKE_CXX_FLAGS_INIT "-march=armv7-a -mfpu=neon-vfpv4 -mfp16-format=ieee -Wno-psabi")
set(CMAKE_C_FLAGS_INIT "-march=armv7-a -mfpu=neon-vfpv4 -mfp16-format=ieee -Wno-psabi")
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
