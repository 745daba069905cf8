#include "ops/signal/fixed_fourier.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace slipway {
namespace {

enum class Direction { kForward, kInverse };

// Of what is left to transform: 4 as often as it divides.
size_t RadixOf(size_t length) {
  for (size_t radix : {4, 2, 3}) {
    if (length % radix == 0) return radix;
  }
  return 5;
}

template <class T>
class Transform {
  using Wide = std::conditional_t<sizeof(T) == 2, int32_t, int64_t>;
  using Unsigned = std::make_unsigned_t<Wide>;
  using Complex = FixedComplex<T>;
  static constexpr int kFractionBits = static_cast<int>(sizeof(T)) * 8 - 1;
  static constexpr T kOne = std::numeric_limits<T>::max();

 public:
  Transform(size_t length, Direction direction) : direction_(direction), twiddles_(length) {
    const double turn = direction == Direction::kForward ? -2 * M_PI : 2 * M_PI;
    for (size_t i = 0; i < length; ++i)
      twiddles_[i] = Unit(turn * static_cast<double>(i) / static_cast<double>(length));
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
  static Complex Divided(Complex a, size_t by) {
    return Scaled(a, static_cast<T>(kOne / static_cast<int64_t>(by)));
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
    const size_t radix = RadixOf(length);
    const size_t part = length / radix;
    for (size_t i = 0; i < radix; ++i)
      Work(spectrum.subspan(i * part, part), signal + i * stride, stride * radix);
    std::vector<Complex> x(radix);
    for (size_t i = 0; i < part; ++i) {
      for (size_t k = 0; k < radix; ++k) x[k] = Divided(spectrum[i + k * part], radix);
      switch (radix) {
        case 2: Butterfly2(spectrum, x, i, stride); break;
        case 3: Butterfly3(spectrum, x, i, stride); break;
        case 4: Butterfly4(spectrum, x, i, stride); break;
        default: Butterfly5(spectrum, x, i, stride);
      }
    }
  }

  // x: the parts' i-th values, divided by the radix; the result at i, i + part, ... of `spectrum`.
  using Parts = std::vector<Complex>;

  void Turn(Parts& x, size_t i, size_t stride) const {
    for (size_t k = 1; k < x.size(); ++k) x[k] = Multiply(x[k], twiddles_[k * i * stride]);
  }
  // A quarter turn against the direction's.
  static Complex Quarter(Complex a) { return {a.imag, Negated(a).real}; }
  static Complex Scaled(Complex a, T by) { return {Round(Product(a.real, by)), Round(Product(a.imag, by))}; }

  void Butterfly2(std::span<Complex> spectrum, Parts& x, size_t i, size_t stride) const {
    const size_t part = spectrum.size() / 2;
    Turn(x, i, stride);
    spectrum[i] = Add(x[0], x[1]);
    spectrum[i + part] = Subtract(x[0], x[1]);
  }

  void Butterfly3(std::span<Complex> spectrum, Parts& x, size_t i, size_t stride) const {
    const size_t part = spectrum.size() / 3;
    Turn(x, i, stride);
    const Complex sum = Add(x[1], x[2]);
    const Complex difference = Scaled(Subtract(x[1], x[2]), twiddles_[stride * part].imag);
    const Complex half = {static_cast<T>(sum.real >> 1), static_cast<T>(sum.imag >> 1)};
    const Complex middle = Subtract(x[0], half);
    spectrum[i] = Add(x[0], sum);
    spectrum[i + part] = Subtract(middle, Quarter(difference));
    spectrum[i + 2 * part] = Add(middle, Quarter(difference));
  }

  void Butterfly4(std::span<Complex> spectrum, Parts& x, size_t i, size_t stride) const {
    const size_t part = spectrum.size() / 4;
    Turn(x, i, stride);
    const Complex even = Add(x[0], x[2]);
    const Complex even_difference = Subtract(x[0], x[2]);
    const Complex odd = Add(x[1], x[3]);
    const Complex turned = Quarter(Subtract(x[1], x[3]));
    const bool is_forward = direction_ == Direction::kForward;
    spectrum[i] = Add(even, odd);
    spectrum[i + 2 * part] = Subtract(even, odd);
    spectrum[i + (is_forward ? 1 : 3) * part] = Add(even_difference, turned);
    spectrum[i + (is_forward ? 3 : 1) * part] = Subtract(even_difference, turned);
  }

  void Butterfly5(std::span<Complex> spectrum, Parts& x, size_t i, size_t stride) const {
    const size_t part = spectrum.size() / 5;
    Turn(x, i, stride);
    const Complex a = twiddles_[stride * part];
    const Complex b = twiddles_[stride * 2 * part];
    const Complex outer = Add(x[1], x[4]);
    const Complex inner = Add(x[2], x[3]);
    const Complex outer_difference = Subtract(x[1], x[4]);
    const Complex inner_difference = Subtract(x[2], x[3]);
    const auto turned = [](Complex difference, T by) { return Quarter(Scaled(difference, by)); };
    spectrum[i] = Add(x[0], Add(outer, inner));
    const Complex even = Add(x[0], Add(Scaled(outer, a.real), Scaled(inner, b.real)));
    const Complex odd = Add(turned(outer_difference, a.imag), turned(inner_difference, b.imag));
    spectrum[i + part] = Subtract(even, odd);
    spectrum[i + 4 * part] = Add(even, odd);
    const Complex even2 = Add(x[0], Add(Scaled(outer, b.real), Scaled(inner, a.real)));
    const Complex odd2 = Subtract(turned(inner_difference, a.imag), turned(outer_difference, b.imag));
    spectrum[i + 2 * part] = Add(even2, odd2);
    spectrum[i + 3 * part] = Subtract(even2, odd2);
  }

  Direction direction_;
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
  const std::vector<Complex> packed = Step(half, Direction::kForward).Run(pairs);

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

template <class T>
std::vector<T> FixedRealFourierInverse(std::span<const FixedComplex<T>> spectrum) {
  using Complex = FixedComplex<T>;
  using Step = Transform<T>;
  const size_t half = spectrum.size() - 1;
  std::vector<Complex> packed(half);
  const T first = spectrum[0].real;
  const T last = spectrum[half].real;
  packed[0] =
      Step::Divided({Step::Add({first, 0}, {last, 0}).real, Step::Subtract({first, 0}, {last, 0}).real}, 2);
  for (size_t k = 1; k <= half / 2; ++k) {
    const Complex mirror = spectrum[half - k];
    const Complex a = Step::Divided(spectrum[k], 2);
    const Complex b = Step::Divided({mirror.real, Step::Negated(mirror).imag}, 2);
    const Complex even = Step::Add(a, b);
    const Complex odd = Step::Multiply(
        Step::Subtract(a, b), Step::Unit(M_PI * (static_cast<double>(k) / static_cast<double>(half) + 0.5)));
    packed[k] = Step::Add(even, odd);
    const Complex other = Step::Subtract(even, odd);
    packed[half - k] = {other.real, Step::Negated(other).imag};
  }
  std::vector<T> signal;
  for (const Complex& pair : Step(half, Direction::kInverse).Run(packed)) {
    signal.push_back(pair.real);
    signal.push_back(pair.imag);
  }
  return signal;
}

template std::vector<FixedComplex<int16_t>> FixedRealFourier(std::span<const int16_t>);
template std::vector<FixedComplex<int32_t>> FixedRealFourier(std::span<const int32_t>);
template std::vector<int16_t> FixedRealFourierInverse(std::span<const FixedComplex<int16_t>>);
template std::vector<int32_t> FixedRealFourierInverse(std::span<const FixedComplex<int32_t>>);

}  // namespace slipway
