// The plugins of this library, by name.
#include "hard_swish_scaled.h"

SLIPWAY_PLUGIN_LIBRARY(acme::HardSwishScaled)
