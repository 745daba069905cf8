#include "ops/signal/fourier.h"

#include <cmath>

namespace slipway {
namespace {

using Complex = std::complex<double>;

// e^(sign 2 pi i k / n)
Complex Turn(size_t k, size_t n, double sign) {
  return std::polar(1.0, sign * 2 * M_PI * static_cast<double>(k) / static_cast<double>(n));
}

void SumAll(std::vector<Complex>& row, double sign) {
  const size_t n = row.size();
  std::vector<Complex> turns(n);
  for (size_t k = 0; k < n; ++k) turns[k] = Turn(k, n, sign);
  std::vector<Complex> result(n);
  for (size_t k = 0; k < n; ++k) {
    size_t turn = 0;  // j k modulo n
    for (size_t j = 0; j < n; ++j) {
      result[k] += row[j] * turns[turn];
      turn += k;
      if (turn >= n) turn -= n;
    }
  }
  row = std::move(result);
}

// Depth: at most the bits of a length.
void Transform(std::vector<Complex>& row, double sign) {
  const size_t n = row.size();
  if (n < 2) return;
  if (n % 2 != 0) return SumAll(row, sign);
  std::vector<Complex> even(n / 2);
  std::vector<Complex> odd(n / 2);
  for (size_t k = 0; k < n / 2; ++k) {
    even[k] = row[2 * k];
    odd[k] = row[2 * k + 1];
  }
  Transform(even, sign);
  Transform(odd, sign);
  for (size_t k = 0; k < n / 2; ++k) {
    const Complex turned = Turn(k, n, sign) * odd[k];
    row[k] = even[k] + turned;
    row[k + n / 2] = even[k] - turned;
  }
}

}  // namespace

void Fourier(std::vector<Complex>& row, FourierDirection direction) {
  Transform(row, direction == FourierDirection::kForward ? -1 : 1);
}

}  // namespace slipway
