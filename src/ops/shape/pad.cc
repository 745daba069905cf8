// Adds a border, or takes one away.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

// Amounts before and after each axis, axes left out at 0; nullopt when not known.
struct Amounts {
  std::vector<Dim> before, after;
};

Result<std::optional<Amounts>> AmountsOf(const InferContext& context, size_t rank) {
  const auto pads = context.content(1);
  const bool has_axes = context.HasInput(3);
  const auto axes = has_axes ? context.ints(3) : std::nullopt;
  if (!pads || (has_axes && !axes)) return std::optional<Amounts>();
  const size_t n = axes ? axes->size() : rank;
  if (pads->size() != 2 * n) {
    return context.Error("pads has " + std::to_string(pads->size()) + " entries; " + std::to_string(n) +
                         " axes need " + std::to_string(2 * n));
  }
  Amounts amounts{std::vector<Dim>(rank, 0), std::vector<Dim>(rank, 0)};
  for (size_t i = 0; i < n; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(
        const int axis,
        NormalizeAxis(context, axes ? (*axes)[i] : static_cast<int64_t>(i), static_cast<int>(rank)));
    amounts.before[static_cast<size_t>(axis)] = (*pads)[i];
    amounts.after[static_cast<size_t>(axis)] = (*pads)[i + n];
  }
  return std::optional<Amounts>(std::move(amounts));
}

Status Infer(InferContext& context) {
  if (context.HasInput(2) && context.dtype(2) != context.dtype(0))
    return context.Error("value and x must be of one type");
  if (context.HasInput(2) && context.input(2).IsStatic() && CountOf(KnownDims(*context.shape(2))) != 1)
    return context.Error("value is " + ToString(context.input(2)) + "; it must be one element");
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(const std::optional<Amounts> amounts, AmountsOf(context, shape.size()));
  if (!amounts) {
    context.SetOutput(0, context.dtype(0), DimList(shape.size()));
    return Status::Ok();
  }
  const std::string& mode = context.attrs().String("mode");
  for (size_t i = 0; i < shape.size(); ++i) {
    const Dim grown = shape[i] + amounts->before[i] + amounts->after[i];
    if (grown.IsKnown() && shape[i].IsKnown()) {
      if (grown.value() < 0)
        return context.Error("pads take more away than axis " + std::to_string(i) + " has");
      if (grown.value() > 0 && shape[i].value() == 0 && mode != "constant") {
        return context.Error("axis " + std::to_string(i) + " is empty: mode " + mode +
                             " has nothing to repeat");
      }
    }
    shape[i] = grown;
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// Which index of an axis of `extent` a place at `i` beyond it shows. REQUIRES: extent > 0.
int64_t SourceIndex(std::string_view mode, int64_t i, int64_t extent) {
  if (mode == "edge") return std::clamp<int64_t>(i, 0, extent - 1);
  const auto modulo = [](int64_t a, int64_t b) { return (a % b + b) % b; };
  if (mode == "wrap") return modulo(i, extent);
  if (mode == "symmetric") {
    const int64_t at = modulo(i, 2 * extent);
    return at < extent ? at : 2 * extent - 1 - at;
  }
  if (extent == 1) return 0;
  const int64_t at = modulo(i, 2 * extent - 2);
  return at < extent ? at : 2 * extent - 2 - at;
}

struct KnownAmounts {
  std::vector<int64_t> before;
  Dims dims;  // of the result
};

KnownAmounts ReadAmounts(const RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& pads = context.in(1);
  KnownAmounts known{std::vector<int64_t>(x.dims().size(), 0), x.dims()};
  const int64_t n = pads.count() / 2;
  for (int64_t i = 0; i < n; ++i) {
    int64_t axis = context.HasInput(3) ? LoadInt(context.in(3).dtype(), context.in(3).data(), i) : i;
    if (axis < 0) axis += x.rank();
    const int64_t before = LoadInt(pads.dtype(), pads.data(), i);
    known.before[static_cast<size_t>(axis)] = before;
    known.dims[static_cast<size_t>(axis)] += before + LoadInt(pads.dtype(), pads.data(), i + n);
  }
  return known;
}

void FillWith(Tensor& y, const Tensor* value) {
  const int64_t count = y.count();
  if (value == nullptr && y.dtype() != DType::kString) {
    std::fill_n(y.as<char>(), y.size_bytes(), 0);
    return;
  }
  if (value == nullptr) {
    for (std::string& text : y.values<std::string>()) text.clear();
    return;
  }
  for (int64_t i = 0; i < count; ++i) CopyElement(y.dtype(), value->data(), 0, y.data(), i);
}

// Constant: fill, then copy what remains of x into its place.
void PadConstant(const RunContext& context, const KnownAmounts& known, Tensor& y) {
  const Tensor& x = context.in(0);
  FillWith(y, context.HasInput(2) ? &context.in(2) : nullptr);
  StridedView from{0, DenseStrides(x.dims())};
  StridedView to{0, DenseStrides(y.dims())};
  Dims dims;
  for (size_t i = 0; i < known.dims.size(); ++i) {
    const int64_t skipped = std::max<int64_t>(-known.before[i], 0);
    const int64_t offset = std::max<int64_t>(known.before[i], 0);
    from.offset += skipped * from.strides[i];
    to.offset += offset * to.strides[i];
    dims.push_back(std::max<int64_t>(0, std::min(x.dims()[i] - skipped, y.dims()[i] - offset)));
  }
  CopyStrided(x.dtype(), x.data(), from, y.data(), to, dims);
}

void PadFromInside(const RunContext& context, const KnownAmounts& known, Tensor& y) {
  const Tensor& x = context.in(0);
  const std::string& mode = context.attrs().String("mode");
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  // offsets[axis][i]: where the result's index i reads along that axis.
  std::vector<std::vector<int64_t>> offsets(known.dims.size());
  for (size_t axis = 0; axis < known.dims.size(); ++axis) {
    for (int64_t i = 0; i < known.dims[axis]; ++i) {
      offsets[axis].push_back(SourceIndex(mode, i - known.before[axis], x.dims()[axis]) * strides[axis]);
    }
  }
  Dims index(known.dims.size(), 0);
  const int64_t count = y.count();
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = 0;
    for (size_t axis = 0; axis < index.size(); ++axis)
      from += offsets[axis][static_cast<size_t>(index[axis])];
    CopyElement(y.dtype(), x.data(), from, y.data(), i);
    for (size_t axis = index.size(); axis-- > 0;) {
      if (++index[axis] < known.dims[axis]) break;
      index[axis] = 0;
    }
  }
}

Status Reference(RunContext& context) {
  const KnownAmounts known = ReadAmounts(context);
  Tensor& y = context.AllocateOutput(0, known.dims);
  if (context.attrs().String("mode") == "constant") {
    PadConstant(context, known, y);
  } else {
    PadFromInside(context, known, y);
  }
  return Status::Ok();
}

// ONNX before 11: pads ("paddings" in opset 1) and value are attributes.
Status ImportOld(ImportContext& context) {
  const Attrs& attrs = context.attrs();
  const Ints& pads = attrs.Has("pads") ? attrs.IntList("pads") : attrs.IntList("paddings");
  const DType dtype = context.type(context.in(0)).dtype;
  const std::string mode = attrs.Has("mode") ? attrs.String("mode") : "constant";
  if (dtype == DType::kNone) return context.Unsupported("the input's type must be known");
  return context.Emit(
      "Pad", {context.in(0), context.ConstInts(pads), context.builder().Scalar(dtype, attrs.Float("value"))},
      {{"mode", mode}});
}

// [n,2] pairs to the befores, then the afters.
Result<ValueId> PadsOf(ImportContext& context) {
  if (context.constant(context.in(1)) == nullptr) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId columns, context.Transposed(context.in(1), {1, 0}));
    return context.Add("Reshape", {columns, context.ConstInts({-1})});
  }
  SLIPWAY_ASSIGN_OR_RETURN(const Ints pairs, context.ConstantInts(1));
  Ints pads;
  for (size_t side = 0; side < 2; ++side) {
    for (size_t i = side; i < pairs.size(); i += 2) pads.push_back(pairs[i]);
  }
  return context.ConstInts(pads);
}

// TensorFlow and TFLite; a quantised border without a value is the real 0.
Status ImportPairs(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId pads, PadsOf(context));
  ValueId value = context.in(2);
  const auto& quant = context.builder().graph().value(context.in(0)).quant;
  if (value == kNoValue && quant && !quant->zero_points.empty() && quant->zero_points[0] != 0) {
    value = context.builder().Scalar(context.type(context.in(0)).dtype,
                                     static_cast<double>(quant->zero_points[0]));
  }
  return context.Emit("Pad", {context.in(0), pads, value});
}

Status ImportMirror(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId pads, PadsOf(context));
  const bool is_reflect = context.attrs().String("mode") == "REFLECT";
  return context.Emit("Pad", {context.in(0), pads},
                      {{"mode", std::string(is_reflect ? "reflect" : "symmetric")}});
}

}  // namespace

OpDef MakePad() {
  OpDef op;
  op.name = "Pad";
  op.group = "shape";
  op.summary = "Adds a border of a constant or of what lies inside; negative amounts crop.";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"pads", kIndices, "[2n]: amounts before each of n axes, then after each"},
               {"value", kAnyType, "one element for mode constant; none: 0", Arity::kOptional},
               {"axes", kIndices, "[n]; none: all axes", Arity::kOptional}};
  op.outputs = {{"y", kAnyType, "x with its border"}};
  op.attrs = {StringAttr("mode", "constant", {"constant", "reflect", "symmetric", "edge", "wrap"},
                         "reflect leaves the edge itself out, symmetric repeats it")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto ints = [](std::vector<double> values) {
      const auto n = static_cast<int64_t>(values.size());
      return TestInput{.dtype = DType::kI64, .dims = {n}, .values = std::move(values), .is_constant = true};
    };
    const TestInput image{.dims = {1, 3, 5, 7}};
    const TestInput border = ints({0, 0, 1, 2, 0, 0, 2, 1});
    return std::vector<TestCase>{{"zeros", {image, border}, {}},
                                 {"value", {image, border, {.dims = {}}}, {}},
                                 {"crop", {image, ints({0, 0, -1, 2, 0, 0, 0, -3})}, {}},
                                 {"reflect", {image, border}, {{"mode", std::string("reflect")}}},
                                 {"symmetric", {image, border}, {{"mode", std::string("symmetric")}}},
                                 {"edge", {image, border}, {{"mode", std::string("edge")}}},
                                 {"wrap", {image, border}, {{"mode", std::string("wrap")}}}};
  };
  op.foreign = {{Format::kOnnx, "Pad", 11},
                {Format::kOnnx, "Pad", 1, 10, ImportOld},
                {Format::kTensorflow, "Pad", 1, INT_MAX, ImportPairs},
                {Format::kTensorflow, "PadV2", 1, INT_MAX, ImportPairs},
                {Format::kTensorflow, "MirrorPad", 1, INT_MAX, ImportMirror},
                {Format::kTflite, "PAD", 1, INT_MAX, ImportPairs},
                {Format::kTflite, "PADV2", 1, INT_MAX, ImportPairs},
                {Format::kTflite, "MIRROR_PAD", 1, INT_MAX, ImportMirror}};
  return op;
}

}  // namespace slipway
