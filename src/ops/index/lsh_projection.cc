// Locality-sensitive hashing by random projections: TFLite's LSH_PROJECTION.
//
// A seed and a row's bytes give a pseudo-random number by FarmHash's 64-bit fingerprint (G. Pike, Google;
// fixed for all time); the sign of the weighted sum over the rows is one bit.
#include <bit>
#include <cstring>
#include <span>
#include <utility>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

// FarmHash's fingerprint, by the length of the text.
class Fingerprint {
 public:
  static uint64_t Of(std::span<const uint8_t> text) {
    const Fingerprint hash(text);
    const size_t n = text.size();
    return n <= 16 ? hash.UpTo16() : n <= 32 ? hash.UpTo32() : n <= 64 ? hash.UpTo64() : hash.Long();
  }

 private:
  using Pair = std::pair<uint64_t, uint64_t>;
  static constexpr uint64_t k0 = 0xc3a5c85c97cb3127;
  static constexpr uint64_t k1 = 0xb492b66fbe98f273;
  static constexpr uint64_t k2 = 0x9ae16a3b2f90404f;

  explicit Fingerprint(std::span<const uint8_t> text)
      : text_(text), size_(text.size()), mul_(k2 + size_ * 2) {}

  template <class T>
  T Fetch(size_t at) const {
    T value;
    std::memcpy(&value, text_.data() + at, sizeof(T));
    return value;
  }
  uint64_t At(size_t i) const { return Fetch<uint64_t>(i); }
  uint64_t FromEnd(size_t i) const { return At(size_ - i); }

  static uint64_t Mix(uint64_t x) { return x ^ (x >> 47); }
  static uint64_t Combine(uint64_t u, uint64_t v, uint64_t mul) {
    const uint64_t a = Mix((u ^ v) * mul);
    return Mix((v ^ a) * mul) * mul;
  }
  static uint64_t Turn(uint64_t x, int right) { return std::rotr(x, right); }

  uint64_t UpTo16() const {
    if (size_ >= 8) {
      const uint64_t a = At(0) + k2;
      const uint64_t b = FromEnd(8);
      return Combine(Turn(b, 37) * mul_ + a, (Turn(a, 25) + b) * mul_, mul_);
    }
    if (size_ >= 4)
      return Combine(size_ + (uint64_t{Fetch<uint32_t>(0)} << 3), Fetch<uint32_t>(size_ - 4), mul_);
    if (size_ == 0) return k2;
    const uint32_t y = text_[0] + (uint32_t{text_[size_ / 2]} << 8);
    const uint32_t z = static_cast<uint32_t>(size_) + (uint32_t{text_[size_ - 1]} << 2);
    return Mix(y * k2 ^ z * k0) * k2;
  }

  uint64_t UpTo32() const {
    const uint64_t a = At(0) * k1;
    const uint64_t b = At(8);
    const uint64_t c = FromEnd(8) * mul_;
    const uint64_t d = FromEnd(16) * k2;
    return Combine(Turn(a + b, 43) + Turn(c, 30) + d, a + Turn(b + k2, 18) + c, mul_);
  }

  uint64_t UpTo64() const {
    const uint64_t a = At(0) * k2;
    const uint64_t b = At(8);
    const uint64_t c = FromEnd(8) * mul_;
    const uint64_t d = FromEnd(16) * k2;
    const uint64_t y = Turn(a + b, 43) + Turn(c, 30) + d;
    const uint64_t z = Combine(y, a + Turn(b + k2, 18) + c, mul_);
    const uint64_t e = At(16) * mul_;
    const uint64_t f = At(24);
    const uint64_t g = (y + FromEnd(32)) * mul_;
    const uint64_t h = (z + FromEnd(24)) * mul_;
    return Combine(Turn(e + f, 43) + Turn(g, 30) + h, e + Turn(f + a, 18) + g, mul_);
  }

  // Of 32 bytes from `at`.
  Pair Weak(size_t at, uint64_t a, uint64_t b) const {
    a += At(at);
    b = Turn(b + a + At(at + 24), 21);
    const uint64_t c = a;
    a += At(at + 8) + At(at + 16);
    b += Turn(a, 44);
    return {a + At(at + 24), b + c};
  }

  uint64_t Long() const {
    uint64_t x = 81;
    uint64_t y = x * k1 + 113;
    uint64_t z = Mix(y * k2 + 113) * k2;
    Pair v, w;
    x = x * k2 + At(0);
    const auto round = [&](size_t at, uint64_t mul, uint64_t by) {
      x = Turn(x + y + v.first + At(at + 8), 37) * mul;
      y = Turn(y + v.second + At(at + 48), 42) * mul;
      x ^= w.second * by;
      y += v.first * by + At(at + 40);
      z = Turn(z + w.first, 33) * mul;
      v = Weak(at, v.second * mul, x + w.first);
      w = Weak(at + 32, z + w.second, y + At(at + 16));
      std::swap(z, x);
    };
    for (size_t at = 0; at < (size_ - 1) / 64 * 64; at += 64) round(at, k1, 1);
    const uint64_t mul = k1 + ((z & 0xff) << 1);
    w.first += (size_ - 1) & 63;
    v.first += w.first;
    w.first += v.first;
    round(size_ - 64, mul, 9);
    return Combine(Combine(v.first, w.first, mul) + Mix(y) * k0 + z, Combine(v.second, w.second, mul) + x,
                   mul);
  }

  std::span<const uint8_t> text_;
  size_t size_;
  uint64_t mul_;
};

enum Operand : size_t { kSeeds = 0, kX, kWeights };

Status Infer(InferContext& context) {
  const auto& seeds = context.shape(kSeeds);
  const auto& x = context.shape(kX);
  const bool is_sparse = context.attrs().String("type") == "SPARSE";
  if ((seeds && seeds->size() != 2) || (x && x->empty()))
    return context.Error("the seeds must be [hashes,bits], x must have rows");
  const Dim hashes = seeds ? (*seeds)[0] : Dim();
  const Dim bits = seeds ? (*seeds)[1] : Dim();
  if (is_sparse && bits.IsKnown() && bits.value() > 31) return context.Error("a hash has at most 31 bits");
  context.SetOutput(0, DType::kI32, {is_sparse ? hashes : hashes * bits});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& seeds = context.in(kSeeds);
  const Tensor& x = context.in(kX);
  Tensor& y = context.out(0);
  const int64_t rows = x.dim(0);
  if (context.HasInput(kWeights) && context.in(kWeights).count() != rows)
    return context.Error("x is " + Describe(x) + ", the weights are " + Describe(context.in(kWeights)));
  const auto row_bytes = static_cast<size_t>(rows == 0 ? 0 : x.size_bytes() / rows);
  std::vector<uint8_t> key(sizeof(float) + row_bytes);
  const auto bit_of = [&](int64_t seed) {
    std::memcpy(key.data(), seeds.as<float>() + seed, sizeof(float));
    double score = 0;
    for (int64_t row = 0; row < rows; ++row) {
      if (row_bytes > 0)
        std::memcpy(key.data() + sizeof(float), x.as<uint8_t>() + static_cast<size_t>(row) * row_bytes,
                    row_bytes);
      const auto number = static_cast<double>(static_cast<int64_t>(Fingerprint::Of(key)));
      score += context.HasInput(kWeights) ? context.in(kWeights).as<float>()[row] * number : number;
    }
    return score > 0 ? 1 : 0;
  };
  const int64_t bits = seeds.dim(1);
  const bool is_sparse = context.attrs().String("type") == "SPARSE";
  for (int64_t hash = 0; hash < seeds.dim(0); ++hash) {
    uint32_t signature = 0;
    for (int64_t i = 0; i < bits; ++i) {
      const auto bit = static_cast<uint32_t>(bit_of(hash * bits + i));
      signature = signature << 1 | bit;
      if (!is_sparse) y.as<int32_t>()[hash * bits + i] = static_cast<int32_t>(bit);
    }
    if (is_sparse)
      y.as<int32_t>()[hash] = static_cast<int32_t>(signature + (static_cast<uint32_t>(hash) << bits));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeLshProjection() {
  OpDef op;
  op.name = "LshProjection";
  op.group = "index";
  op.summary =
      "Bits that are mostly equal for similar sets of rows, alone or as numbers of the hashes' buckets.";
  op.formula = "bit = sum over rows of weights hash(seed, row) > 0";
  op.inputs = {{"seeds", {DType::kF32}, "[hashes,bits]"},
               {"x", kNumbers | kBools, "[rows,...]"},
               {"weights", {DType::kF32}, "[rows]; none: 1", Arity::kOptional}};
  op.outputs = {{"y",
                 {DType::kI32},
                 "DENSE: [hashes*bits] bits; SPARSE: [hashes] numbers, each hash's in a range of its own"}};
  op.attrs = {StringAttr("type", "DENSE", {"SPARSE", "DENSE"}, "numbers or bits")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* type : {"DENSE", "SPARSE"})
      cases.push_back({type,
                       {{.dims = {3, 2}},
                        {.dtype = DType::kI32, .dims = {3, 2}, .low = -99, .high = 99},
                        {.dims = {3}, .low = 0, .high = 1}},
                       {{"type", std::string(type)}}});
    return cases;
  };
  op.foreign = {{Format::kTflite, "LSH_PROJECTION"}};
  return op;
}

}  // namespace slipway
