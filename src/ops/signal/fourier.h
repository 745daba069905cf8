// The discrete Fourier transform of one row, for reference kernels.
#pragma once

#include <complex>
#include <vector>

namespace slipway {

enum class FourierDirection { kForward, kInverse };

// X[k] = sum over j of x[j] e^(-+ 2 pi i j k / n), in place; the inverse is not divided by n. Lengths are
// halved while they are even (Cooley and Tukey, 1965); what is left is summed as the formula says.
void Fourier(std::vector<std::complex<double>>& row, FourierDirection direction);

}  // namespace slipway
