// Logistic function and hyperbolic tangent on 16-bit fixed point, to the bit as gemmlowp computes them: what
// TFLite's integer LSTM is made of.
#pragma once

#include <cstdint>

namespace slipway {

// x: `integer_bits` of its 15 bits are before the point (value = x * 2^(integer_bits - 15)), 0 to 6; the
// result has none.
int16_t FixedLogistic(int16_t x, int integer_bits);
int16_t FixedTanh(int16_t x, int integer_bits);

}  // namespace slipway
