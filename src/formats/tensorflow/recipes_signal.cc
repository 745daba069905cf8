// Complex numbers and their transforms. A complex number is a pair of reals along a new last axis: a view of
// the same bytes, which is what DFT takes.
#include "formats/tensorflow/parts.h"

namespace slipway::tensorflow {
namespace {

DType PartOf(DType complex) { return complex == DType::kC128 ? DType::kF64 : DType::kF32; }
DType WholeOf(DType part) { return part == DType::kF64 ? DType::kC128 : DType::kC64; }

// [...] complex -> [...,2] real
ValueId Pairs(Parts& p, ValueId x) {
  const DType dtype = p.TypeOf(x).dtype;
  if (p.ok() && dtype != DType::kC64 && dtype != DType::kC128) p.Refuse("takes complex numbers");
  return p.Add("BitCast", {x}, {{"to", PartOf(dtype)}});
}
ValueId FromPairs(Parts& p, ValueId pairs) {
  return p.Add("BitCast", {pairs}, {{"to", WholeOf(p.TypeOf(pairs).dtype)}});
}

void Complex(Parts& p) {
  const Attrs last = {{"axis", int64_t{-1}}};
  // Parts of other shapes are broadcast: a sum with nothing.
  const ValueId zero = p.Like(p.In(0), 0);
  const ValueId real = p.Add("Add", {p.In(0), p.Add("Mul", {p.In(1), zero})});
  const ValueId imaginary = p.Add("Add", {p.In(1), p.Add("Mul", {p.In(0), zero})});
  const Type a = p.TypeOf(p.In(0)), b = p.TypeOf(p.In(1));
  const bool is_same = a.shape && b.shape && *a.shape == *b.shape;
  const ValueId parts[] = {is_same ? p.In(0) : real, is_same ? p.In(1) : imaginary};
  p.Bind(0, FromPairs(p, p.Add("Concat",
                               {p.Add("Unsqueeze", {parts[0], p.Ints({-1})}),
                                p.Add("Unsqueeze", {parts[1], p.Ints({-1})})},
                               last)));
}

void Conj(Parts& p) {
  const DType dtype = p.TypeOf(p.In(0)).dtype;
  if (dtype != DType::kC64 && dtype != DType::kC128) return p.Bind(0, p.Add("Identity", {p.In(0)}));
  Tensor signs(DType::kF32, {2});
  signs.as<float>()[0] = 1;
  signs.as<float>()[1] = -1;
  const ValueId mirrored =
      p.Add("Mul", {Pairs(p, p.In(0)), p.Cast(p.Constant(std::move(signs)), PartOf(dtype))});
  p.Bind(0, FromPairs(p, mirrored));
}

void Angle(Parts& p) { p.Bind(0, p.Add("Atan2", {p.Add("Imag", {p.In(0)}), p.Add("Real", {p.In(0)})})); }

// e^(a + ib) = e^a (cos b + i sin b)
void ComplexExp(Parts& p) {
  const ValueId size = p.Add("Exp", {p.Add("Real", {p.In(0)})});
  const ValueId angle = p.Add("Imag", {p.In(0)});
  std::vector<ValueId> parts;
  for (const char* part : {"Cos", "Sin"})
    parts.push_back(p.Add("Unsqueeze", {p.Add("Mul", {size, p.Add(part, {angle})}), p.Ints({-1})}));
  p.Bind(0, FromPairs(p, p.Add("Concat", parts, {{"axis", int64_t{-1}}})));
}

// Part by part.
void ComplexSum(Parts& p) { p.Bind(0, FromPairs(p, p.Add("Add", {Pairs(p, p.In(0)), Pairs(p, p.In(1))}))); }
void ComplexDifference(Parts& p) {
  p.Bind(0, FromPairs(p, p.Add("Sub", {Pairs(p, p.In(0)), Pairs(p, p.In(1))})));
}
void ComplexNegative(Parts& p) { p.Bind(0, FromPairs(p, p.Add("Neg", {Pairs(p, p.In(0))}))); }

// Along the last `axes` axes.
void Transform(Parts& p, int64_t axes, bool is_inverse) {
  ValueId pairs = Pairs(p, p.In(0));
  for (int64_t axis = 1; axis <= axes; ++axis)
    pairs = p.Add("DFT", {pairs, kNoValue, p.Scalar(DType::kI64, static_cast<double>(-1 - axis))},
                  {{"inverse", int64_t{is_inverse ? 1 : 0}}});
  p.Bind(0, FromPairs(p, pairs));
}

void Fft(Parts& p) { Transform(p, 1, false); }
void Fft2d(Parts& p) { Transform(p, 2, false); }
void Fft3d(Parts& p) { Transform(p, 3, false); }
void Ifft(Parts& p) { Transform(p, 1, true); }
void Ifft2d(Parts& p) { Transform(p, 2, true); }
void Ifft3d(Parts& p) { Transform(p, 3, true); }

// Half a spectrum, cut or filled with zeros to the length, back to the signal.
void Irfft(Parts& p) {
  const int64_t length = p.KnownInt(1);
  if (p.ok() && length < 1) return p.Refuse("of no length");
  const ValueId pairs = Pairs(p, p.In(0));
  const ValueId signal = p.Add("DFT", {pairs, p.Scalar(DType::kI64, static_cast<double>(length))},
                               {{"inverse", int64_t{1}}, {"onesided", int64_t{1}}});
  p.Bind(0, p.Add("Squeeze", {signal, p.Ints({-1})}));
}

}  // namespace

Recipe SignalRecipeOf(const std::string& op) {
  static const std::map<std::string, Recipe> kRecipes = {{"complex Add", ComplexSum},
                                                         {"complex AddV2", ComplexSum},
                                                         {"complex Exp", ComplexExp},
                                                         {"complex Neg", ComplexNegative},
                                                         {"complex Sub", ComplexDifference},
                                                         {"Angle", Angle},
                                                         {"Complex", Complex},
                                                         {"Conj", Conj},
                                                         {"FFT", Fft},
                                                         {"FFT2D", Fft2d},
                                                         {"FFT3D", Fft3d},
                                                         {"IFFT", Ifft},
                                                         {"IFFT2D", Ifft2d},
                                                         {"IFFT3D", Ifft3d},
                                                         {"IRFFT", Irfft}};
  const auto found = kRecipes.find(op);
  return found == kRecipes.end() ? nullptr : found->second;
}

}  // namespace slipway::tensorflow
