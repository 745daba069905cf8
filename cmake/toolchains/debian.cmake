# Cross compiling on Debian: its compilers g++-TRIPLET, the libraries of tools/setup/make_sysroot.sh, programs of the target
# under qemu-user. A toolchain file sets these and includes this one:
#   SLIPWAY_TRIPLET  aarch64-linux-gnu ...: the compilers' prefix
#   SLIPWAY_ARCH     arm64 ...: Debian's name of the architecture
#   SLIPWAY_QEMU     aarch64 ...: qemu's
# QEMU_CPU in the environment is the processor that qemu plays.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${SLIPWAY_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${SLIPWAY_TRIPLET}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${SLIPWAY_TRIPLET})

get_filename_component(root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(CMAKE_SYSROOT ${root}/build/sysroot/${SLIPWAY_ARCH})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# The compiler's libstdc++ is older than none of the sysroot's: both are Debian's of one release.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${SLIPWAY_QEMU}-static -L ${CMAKE_SYSROOT})
