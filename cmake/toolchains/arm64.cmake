# ARMv8-A, 64 bits. The baseline has NEON; what is newer (dot products) is found at run time.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(SLIPWAY_TRIPLET aarch64-linux-gnu)
set(SLIPWAY_ARCH arm64)
set(SLIPWAY_QEMU aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
