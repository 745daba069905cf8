// Product with weights of a few bits in blocks that have a scale and a zero point each (onnxruntime's
// MatMulNBits, as exporters of language models write it).
//
// The weight of output n and input k lies in block k / block_size of row n, at bit (k % block_size) * bits of
// the block's bytes, lowest bits first. Left out: the deprecated g_idx, prepacked weights; accuracy_level
// only allows rounding of x, which is not done.
#include "base/scalar.h"
#include "ops/attention/heads.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

enum Input : size_t { kX, kWeights, kScales, kZeros, kBias };

struct Blocks {
  int64_t k, n, bits, size;
  int64_t per_row() const { return (k + size - 1) / size; }
  int64_t bytes() const { return (size * bits + 7) / 8; }            // of a block
  int64_t zero_bytes() const { return (per_row() * bits + 7) / 8; }  // of a row's packed zero points
};

Blocks BlocksOf(const Attrs& attrs) {
  return {attrs.Int("K"), attrs.Int("N"), attrs.Int("bits"), attrs.Int("block_size")};
}

Status CheckCount(const InferContext& context, size_t i, int64_t wanted) {
  if (!context.HasInput(i) || !context.shape(i) || !AllKnown(*context.shape(i))) return Status::Ok();
  int64_t count = 1;
  for (int64_t extent : KnownDims(*context.shape(i))) count *= extent;
  if (count == wanted) return Status::Ok();
  return context.Error(context.op().inputs[i].name + " " + ToString(*context.shape(i)) + " must have " +
                       std::to_string(wanted) + " elements");
}

Status Infer(InferContext& context) {
  constexpr int64_t kMost = int64_t{1} << 31;
  const Blocks blocks = BlocksOf(context.attrs());
  const bool is_sane = blocks.k > 0 && blocks.n > 0 && blocks.k < kMost && blocks.n < kMost &&
                       blocks.bits >= 1 && blocks.bits <= 8 && blocks.size > 0 && blocks.size < kMost;
  if (!is_sane) return context.Error("K, N, bits or block_size is out of range");
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(kX)));
  const bool is_packed = !context.HasInput(kZeros) || context.dtype(kZeros) == DType::kU8;
  SLIPWAY_RETURN_IF_ERROR(CheckCount(context, kWeights, blocks.n * blocks.per_row() * blocks.bytes()));
  SLIPWAY_RETURN_IF_ERROR(CheckCount(context, kScales, blocks.n * blocks.per_row()));
  SLIPWAY_RETURN_IF_ERROR(
      CheckCount(context, kZeros, blocks.n * (is_packed ? blocks.zero_bytes() : blocks.per_row())));
  SLIPWAY_RETURN_IF_ERROR(CheckCount(context, kBias, blocks.n));
  if (!context.shape(kX)) return Status::Ok();
  DimList shape = *context.shape(kX);
  if (shape.empty()) return context.Error("x must have rank 1 or more");
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "K", shape.back(), Dim(blocks.k)));
  shape.back() = Dim(blocks.n);
  context.SetOutput(0, context.dtype(kX), std::move(shape));
  return Status::Ok();
}

// `bits` bits from bit `at` on, lowest first.
int64_t BitsAt(const uint8_t* bytes, int64_t at, int64_t bits) {
  int64_t value = 0;
  for (int64_t i = 0; i < bits; ++i) value |= int64_t{(bytes[(at + i) / 8] >> ((at + i) % 8)) & 1} << i;
  return value;
}

double ZeroOf(const RunContext& context, const Blocks& blocks, int64_t n, int64_t block) {
  if (!context.HasInput(kZeros)) return static_cast<double>(int64_t{1} << (blocks.bits - 1));
  const Tensor& zeros = context.in(kZeros);
  if (zeros.dtype() != DType::kU8) return LoadReal(zeros.dtype(), zeros.data(), n * blocks.per_row() + block);
  return static_cast<double>(
      BitsAt(zeros.as<uint8_t>() + n * blocks.zero_bytes(), block * blocks.bits, blocks.bits));
}

std::vector<double> RowOfWeights(const RunContext& context, const Blocks& blocks, int64_t n) {
  const Tensor& scales = context.in(kScales);
  std::vector<double> row(static_cast<size_t>(blocks.k));
  for (int64_t k = 0; k < blocks.k; ++k) {
    const int64_t block = n * blocks.per_row() + k / blocks.size;
    const int64_t step = BitsAt(context.in(kWeights).as<uint8_t>() + block * blocks.bytes(),
                                k % blocks.size * blocks.bits, blocks.bits);
    row[static_cast<size_t>(k)] = (static_cast<double>(step) - ZeroOf(context, blocks, n, k / blocks.size)) *
                                  LoadReal(scales.dtype(), scales.data(), block);
  }
  return row;
}

Status Reference(RunContext& context) {
  const Blocks blocks = BlocksOf(context.attrs());
  const std::vector<double> x = Reals(context.in(kX));
  const int64_t rows = static_cast<int64_t>(x.size()) / blocks.k;
  Tensor& y = context.out(0);
  for (int64_t n = 0; n < blocks.n; ++n) {
    const std::vector<double> weights = RowOfWeights(context, blocks, n);
    const double bias =
        context.HasInput(kBias) ? LoadReal(context.in(kBias).dtype(), context.in(kBias).data(), n) : 0;
    for (int64_t row = 0; row < rows; ++row) {
      StoreReal(y.dtype(), y.data(), row * blocks.n + n,
                bias + Dot(x.data() + row * blocks.k, weights.data(), blocks.k));
    }
  }
  return Status::Ok();
}

Status Import(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 4, "g_idx"));
  SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, "weight_prepacked"));
  Attrs attrs = {{"bits", context.attrs().Int("bits", 4)}};
  for (const char* name : {"K", "N", "block_size"}) attrs.Set(name, context.attrs().Int(name));
  return context.Emit("MatMulNBits",
                      {context.in(0), context.in(1), context.in(2), context.in(3), context.in(5)},
                      std::move(attrs));
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  for (int64_t bits : {2, 4, 8}) {
    const Blocks blocks{40, 5, bits, 16};
    const auto bytes = [](Dims dims) {
      return TestInput{
          .dtype = DType::kU8, .dims = std::move(dims), .low = 0, .high = 255.9, .is_constant = true};
    };
    const TestInput scales{.dims = {5, 3}, .low = 0.01, .high = 0.1, .is_constant = true};
    const Attrs attrs = {{"K", blocks.k}, {"N", blocks.n}, {"bits", bits}, {"block_size", blocks.size}};
    const TestInput weights = bytes({5, 3, blocks.bytes()});
    cases.push_back({std::to_string(bits) + "_bits", {{.dims = {2, 3, 40}}, weights, scales}, attrs});
    cases.push_back({std::to_string(bits) + "_bits_zeros",
                     {{.dims = {4, 40}}, weights, scales, bytes({5, blocks.zero_bytes()}), {.dims = {5}}},
                     attrs});
  }
  return cases;
}

}  // namespace

OpDef MakeMatMulNBits() {
  OpDef op;
  op.name = "MatMulNBits";
  op.group = "quant";
  op.summary = "Product with weights of a few bits, in blocks with a scale and a zero point each.";
  op.formula = "y[...,n] = sum_k x[...,k] * (w[n,k] - zero[n,block]) * scale[n,block] + bias[n]";
  op.inputs = {
      {"x", kFloats, "[...,K]"},
      {"weights", {DType::kU8}, "[N,blocks,bytes]: blocks of block_size weights, lowest bits first"},
      {"scales", kFloats, "[N,blocks]"},
      {"zero_points", kFloats | DTypeSet{DType::kU8},
       "packed [N,bytes] like a row of weights, or reals [N,blocks]; absent: 2^(bits-1)", Arity::kOptional},
      {"bias", kFloats, "[N]", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[...,N]"}};
  op.attrs = {Required(IntAttr("K", 1, "inputs")), Required(IntAttr("N", 1, "outputs")),
              Required(IntAttr("block_size", 32, "weights that share a scale")),
              IntAttr("bits", 4, "per weight, 1 to 8")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return 2 * context.CountOfInput(kX) * static_cast<double>(context.attrs().Int("N"));
  };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {ContribRow("MatMulNBits", Import)};
  return op;
}

}  // namespace slipway
