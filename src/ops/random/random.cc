// Random numbers: normal, uniform, Bernoulli and categorical. Never folded; a seed makes a call repeatable,
// without one every call differs. The numbers of other runtimes are not reproduced, except for TFLite's with
// seeds, which are drawn from a state (philox_random.cc).
#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/onnx_dtype.h"
#include "ops/run.h"
#include "ops/shape/import_move.h"

namespace slipway {
namespace {

std::mt19937_64 GeneratorOf(const RunContext& context) {
  static std::atomic<uint64_t> calls{std::random_device{}()};
  const Attrs& attrs = context.attrs();
  if (!attrs.Has("seed")) return std::mt19937_64(calls++);
  return std::mt19937_64(__builtin_bit_cast(uint32_t, attrs.Float("seed")));
}

Status InferFromShape(InferContext& context) {
  const DType dtype = context.attrs().Type("dtype");
  Type type = Type::OfUnknownShape(dtype);
  if (const auto shape = context.content(0)) {
    for (const Dim& dim : *shape) {
      if (dim.IsKnown() && dim.value() < 0)
        return context.Error("shape " + ToString(*shape) + " has a negative extent");
    }
    type.shape = *shape;
  }
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

template <class Distribution>
Status Fill(RunContext& context, Distribution distribution) {
  Tensor& y = context.AllocateOutput(0, KnownDims(*context.out_type(0).shape));
  std::mt19937_64 generator = GeneratorOf(context);
  for (int64_t i = 0; i < y.count(); ++i) StoreReal(y.dtype(), y.data(), i, distribution(generator));
  return Status::Ok();
}

Result<DType> DTypeOf(const ImportContext& context, DType otherwise) {
  if (const auto* named = context.attrs().Find("dtype");
      named != nullptr && std::holds_alternative<DType>(*named)) {
    return std::get<DType>(*named);
  }
  if (!context.attrs().Has("dtype")) return otherwise;
  const auto dtype = DTypeFromOnnx(context.attrs().Int("dtype"));
  if (!dtype) return context.Error("dtype " + std::to_string(context.attrs().Int("dtype")) + " is unknown");
  return *dtype;
}

// RandomNormal, RandomUniform: the shape is an attribute; ...Like: that of the input.
Status ImportOnnx(ImportContext& context) {
  const bool is_like = context.num_inputs() > 0;
  const DType like = is_like ? context.type(context.in(0)).dtype : DType::kF32;
  SLIPWAY_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(context, like));
  ValueId shape = kNoValue;
  if (is_like) {
    SLIPWAY_ASSIGN_OR_RETURN(shape, ShapeOf(context, context.in(0)));
  } else {
    shape = context.ConstInts(context.attrs().IntList("shape"));
  }
  Attrs attrs = {{"dtype", dtype}};
  for (const char* name : {"mean", "scale", "low", "high", "seed"}) {
    if (const Attr* attr = context.attrs().Find(name)) attrs.Set(name, *attr);
  }
  return context.Emit(context.op().name, {shape}, std::move(attrs));
}

// TensorFlow: the shape is the input; a seed of 0 is none.
Status ImportTensorflow(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(context, DType::kF32));
  Attrs attrs = {{"dtype", dtype}};
  if (const int64_t seed = context.attrs().Int("seed"); seed != 0)
    attrs.Set("seed", static_cast<float>(seed));
  return context.Emit(context.op().name, {context.in(0)}, std::move(attrs));
}

Status ImportWithDType(ImportContext& context) {
  const bool is_bernoulli = context.op().name == "Bernoulli";
  SLIPWAY_ASSIGN_OR_RETURN(const DType dtype,
                           DTypeOf(context, is_bernoulli ? context.type(context.in(0)).dtype : DType::kI32));
  return context.EmitSame({{"dtype", dtype}});
}

AttrDef SeedAttr() {
  AttrDef seed = FloatAttr("seed", 0, "absent: every call differs");
  seed.has_default = false;
  return seed;
}

OpDef RandomOp(const char* name, const char* summary) {
  OpDef op;
  op.name = name;
  op.group = "random";
  op.summary = summary;
  op.is_deterministic = false;
  return op;
}

OpDef GeneratorOp(const char* name, const char* summary) {
  OpDef op = RandomOp(name, summary);
  op.inputs = {{"shape", kIndices, "[rank of the result]"}};
  op.outputs = {{"y", kFloats | kInts, "as `shape` says"}};
  op.infer = InferFromShape;
  return op;
}

Status InferMultinomial(InferContext& context) {
  const auto& shape = context.shape(0);
  const int64_t samples = context.attrs().Int("sample_size");
  if (samples < 0 || (shape && shape->size() != 2))
    return context.Error("x must be [N,classes] and sample_size 0 or more");
  context.SetOutput(0, context.attrs().Type("dtype"), {shape ? (*shape)[0] : Dim(), samples});
  return Status::Ok();
}

// Inverse transform sampling of exp(x), row by row.
Status RunMultinomial(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.AllocateOutput(0, {x.dim(0), context.attrs().Int("sample_size")});
  std::mt19937_64 generator = GeneratorOf(context);
  const int64_t classes = x.dim(1);
  if (classes == 0) return context.Error("there are no classes");
  for (int64_t n = 0; n < x.dim(0); ++n) {
    std::vector<double> weights;
    double most = -INFINITY;
    for (int64_t c = 0; c < classes; ++c)
      most = std::max(most, LoadReal(x.dtype(), x.data(), n * classes + c));
    for (int64_t c = 0; c < classes; ++c)
      weights.push_back(std::exp(LoadReal(x.dtype(), x.data(), n * classes + c) - most));
    std::discrete_distribution<int64_t> distribution(weights.begin(), weights.end());
    for (int64_t k = 0; k < y.dim(1); ++k)
      StoreInt(y.dtype(), y.data(), n * y.dim(1) + k, distribution(generator));
  }
  return Status::Ok();
}

Status InferBernoulli(InferContext& context) {
  Type type = context.input(0);
  type.dtype = context.attrs().Type("dtype");
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status RunBernoulli(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.AllocateOutput(0, x.dims());
  std::mt19937_64 generator = GeneratorOf(context);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int64_t i = 0; i < x.count(); ++i) {
    StoreReal(y.dtype(), y.data(), i, uniform(generator) < LoadReal(x.dtype(), x.data(), i) ? 1 : 0);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeRandomNormal() {
  OpDef op = GeneratorOp("RandomNormal", "Normally distributed random numbers.");
  op.attrs = {DTypeAttr("dtype", DType::kF32, "of the result"), FloatAttr("mean", 0, "of the distribution"),
              FloatAttr("scale", 1, "its standard deviation"), SeedAttr()};
  op.reference = [](RunContext& context) {
    const double scale = context.attrs().Float("scale");
    if (!(scale > 0)) return context.Error("scale must be above 0");
    return Fill(context, std::normal_distribution<double>(context.attrs().Float("mean"), scale));
  };
  op.foreign = {{Format::kOnnx, "RandomNormal", 1, INT_MAX, ImportOnnx},
                {Format::kOnnx, "RandomNormalLike", 1, INT_MAX, ImportOnnx},
                {Format::kTensorflow, "RandomStandardNormal", 1, INT_MAX, ImportTensorflow}};
  return op;
}

OpDef MakeRandomUniform() {
  OpDef op = GeneratorOp("RandomUniform", "Evenly distributed random numbers in [low, high).");
  op.attrs = {DTypeAttr("dtype", DType::kF32, "of the result"), FloatAttr("low", 0, "included"),
              FloatAttr("high", 1, "excluded"), SeedAttr()};
  op.reference = [](RunContext& context) {
    const double low = context.attrs().Float("low");
    const double high = context.attrs().Float("high");
    if (!(low <= high)) return context.Error("low must not exceed high");
    return Fill(context, std::uniform_real_distribution<double>(low, high));
  };
  op.foreign = {{Format::kOnnx, "RandomUniform", 1, INT_MAX, ImportOnnx},
                {Format::kOnnx, "RandomUniformLike", 1, INT_MAX, ImportOnnx},
                {Format::kTensorflow, "RandomUniform", 1, INT_MAX, ImportTensorflow}};
  return op;
}

OpDef MakeMultinomial() {
  OpDef op = RandomOp("Multinomial", "Classes drawn from each row of unnormalised log probabilities.");
  op.inputs = {{"x", kFloats, "[N,classes]"}};
  op.outputs = {{"y", kIndices, "[N,sample_size]"}};
  op.attrs = {DTypeAttr("dtype", DType::kI32, "i32 or i64"), IntAttr("sample_size", 1, "draws per row"),
              SeedAttr()};
  op.infer = InferMultinomial;
  op.reference = RunMultinomial;
  op.foreign = {{Format::kOnnx, "Multinomial", 1, INT_MAX, ImportWithDType}};
  return op;
}

OpDef MakeBernoulli() {
  OpDef op = RandomOp("Bernoulli", "1 with the given probability, else 0.");
  op.inputs = {{"x", kFloats, "probabilities"}};
  op.outputs = {{"y", kNumbers | kBools, "the shape of x"}};
  op.attrs = {DTypeAttr("dtype", DType::kF32, "of the result"), SeedAttr()};
  op.infer = InferBernoulli;
  op.reference = RunBernoulli;
  op.foreign = {{Format::kOnnx, "Bernoulli", 1, INT_MAX, ImportWithDType}};
  return op;
}

}  // namespace slipway
