#include "ops/signal/fixed_fourier.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace slipway {
namespace {

template <class T>
class Transform {
  using Wide = std::conditional_t<sizeof(T) == 2, int32_t, int64_t>;
  using Unsigned = std::make_unsigned_t<Wide>;
  using Complex = FixedComplex<T>;
  static constexpr int kFractionBits = static_cast<int>(sizeof(T)) * 8 - 1;
  static constexpr T kOne = std::numeric_limits<T>::max();

 public:
  explicit Transform(size_t length) : twiddles_(length) {
    for (size_t i = 0; i < length; ++i)
      twiddles_[i] = Unit(-2 * M_PI * static_cast<double>(i) / static_cast<double>(length));
  }

  std::vector<Complex> Run(const std::vector<Complex>& signal) const {
    std::vector<Complex> spectrum(signal.size());
    Work(spectrum, signal.data(), 1);
    return spectrum;
  }

  static Complex Unit(double phase) {
    const auto part = [](double x) {
      return static_cast<T>(std::floor(0.5 + static_cast<double>(kOne) * x));
    };
    return {part(std::cos(phase)), part(std::sin(phase))};
  }

  // Sums wrap around, as the narrow type does.
  static Complex Add(Complex a, Complex b) { return {Wrap(a.real, b.real), Wrap(a.imag, b.imag)}; }
  static Complex Negated(Complex a) { return {Wrap(0, -Wide{a.real}), Wrap(0, -Wide{a.imag})}; }
  static Complex Subtract(Complex a, Complex b) {
    return {Wrap(a.real, -Wide{b.real}), Wrap(a.imag, -Wide{b.imag})};
  }
  static Complex Multiply(Complex a, Complex b) {
    return {Round(Product(a.real, b.real) - Product(a.imag, b.imag)),
            Round(Product(a.real, b.imag) + Product(a.imag, b.real))};
  }
  static Complex Divided(Complex a, T by) {
    const T factor = static_cast<T>(kOne / by);
    return {Round(Product(a.real, factor)), Round(Product(a.imag, factor))};
  }

 private:
  static T Wrap(Wide a, Wide b) {
    return static_cast<T>(static_cast<Unsigned>(a) + static_cast<Unsigned>(b));
  }
  static Unsigned Product(T a, T b) { return static_cast<Unsigned>(Wide{a} * Wide{b}); }
  static T Round(Unsigned x) {
    return static_cast<T>(static_cast<Wide>(x + (Unsigned{1} << (kFractionBits - 1))) >> kFractionBits);
  }

  // `signal` is read with a stride; `spectrum` is dense.
  void Work(std::span<Complex> spectrum, const Complex* signal, size_t stride) const {
    const size_t length = spectrum.size();
    if (length == 1) {
      spectrum[0] = *signal;
      return;
    }
    const size_t radix = length % 4 == 0 ? 4 : 2;
    const size_t part = length / radix;
    for (size_t i = 0; i < radix; ++i)
      Work(spectrum.subspan(i * part, part), signal + i * stride, stride * radix);
    for (size_t i = 0; i < part; ++i)
      radix == 4 ? Butterfly4(spectrum, i, stride) : Butterfly2(spectrum, i, stride);
  }

  void Butterfly2(std::span<Complex> spectrum, size_t i, size_t stride) const {
    const size_t part = spectrum.size() / 2;
    const Complex a = Divided(spectrum[i], 2);
    const Complex b = Multiply(Divided(spectrum[i + part], 2), twiddles_[i * stride]);
    spectrum[i] = Add(a, b);
    spectrum[i + part] = Subtract(a, b);
  }

  void Butterfly4(std::span<Complex> spectrum, size_t i, size_t stride) const {
    const size_t part = spectrum.size() / 4;
    Complex x[4];
    for (size_t k = 0; k < 4; ++k) x[k] = Divided(spectrum[i + k * part], 4);
    for (size_t k = 1; k < 4; ++k) x[k] = Multiply(x[k], twiddles_[k * i * stride]);
    const Complex even = Add(x[0], x[2]);
    const Complex even_difference = Subtract(x[0], x[2]);
    const Complex odd = Add(x[1], x[3]);
    const Complex odd_difference = Subtract(x[1], x[3]);
    // -i times the difference of the odd ones.
    const Complex turned{odd_difference.imag, Negated(odd_difference).real};
    spectrum[i] = Add(even, odd);
    spectrum[i + part] = Add(even_difference, turned);
    spectrum[i + 2 * part] = Subtract(even, odd);
    spectrum[i + 3 * part] = Subtract(even_difference, turned);
  }

  std::vector<Complex> twiddles_;
};

template <class T>
T Half(int64_t x) {
  return static_cast<T>(x >> 1);
}

}  // namespace

template <class T>
std::vector<FixedComplex<T>> FixedRealFourier(std::span<const T> signal) {
  using Complex = FixedComplex<T>;
  using Step = Transform<T>;
  const size_t half = signal.size() / 2;
  std::vector<Complex> pairs(half);
  for (size_t i = 0; i < half; ++i) pairs[i] = {signal[2 * i], signal[2 * i + 1]};
  const std::vector<Complex> packed = Step(half).Run(pairs);

  std::vector<Complex> spectrum(half + 1);
  const Complex first = Step::Divided(packed[0], 2);
  spectrum[0] = {Step::Add({first.real, 0}, {first.imag, 0}).real, 0};
  spectrum[half] = {Step::Subtract({first.real, 0}, {first.imag, 0}).real, 0};
  for (size_t k = 1; k <= half / 2; ++k) {
    const Complex mirror = packed[half - k];
    const Complex a = Step::Divided(packed[k], 2);
    const Complex b = Step::Divided({mirror.real, Step::Negated(mirror).imag}, 2);
    const Complex sum = Step::Add(a, b);
    const Complex turned = Step::Multiply(
        Step::Subtract(a, b), Step::Unit(-M_PI * (static_cast<double>(k) / static_cast<double>(half) + 0.5)));
    const auto half_of = [](int64_t a_part, int64_t b_part) { return Half<T>(a_part + b_part); };
    spectrum[k] = {half_of(sum.real, turned.real), half_of(sum.imag, turned.imag)};
    spectrum[half - k] = {half_of(sum.real, -int64_t{turned.real}), half_of(turned.imag, -int64_t{sum.imag})};
  }
  return spectrum;
}

template std::vector<FixedComplex<int16_t>> FixedRealFourier(std::span<const int16_t>);
template std::vector<FixedComplex<int32_t>> FixedRealFourier(std::span<const int32_t>);

}  // namespace slipway
