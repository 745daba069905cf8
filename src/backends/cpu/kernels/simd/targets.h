// Which instruction sets the kernels are compiled for. Include before any Highway header.
#pragma once

#include "base/simd/targets.h"
