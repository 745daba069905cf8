// Another shape over the same elements. Flatten, Squeeze and Unsqueeze have records of their own.
#include <cstring>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/move.h"

namespace slipway {
namespace {

// Solves 0 (copy the extent) and -1 (what is left). Leaves an anonymous unknown where nothing can be said.
Result<DimList> Solve(const InferContext& context, const DimList& from, DimList to) {
  const bool copies_zero = context.attrs().Int("allowzero") == 0;
  int inferred = -1;
  for (size_t i = 0; i < to.size(); ++i) {
    if (!to[i].IsKnown()) continue;
    if (to[i].value() == 0 && copies_zero) {
      if (i >= from.size())
        return context.Error("shape entry " + std::to_string(i) + " copies an axis x lacks");
      to[i] = from[i];
    } else if (to[i].value() == -1) {
      if (inferred >= 0) return context.Error("shape " + ToString(to) + " has more than one -1");
      inferred = static_cast<int>(i);
    } else if (to[i].value() < -1) {
      return context.Error("shape " + ToString(to) + " has a negative extent");
    }
  }
  // Extents that stand on both sides cancel; what remains decides the -1.
  DimList left = from;
  Dim given = 1;
  for (size_t i = 0; i < to.size(); ++i) {
    if (static_cast<int>(i) == inferred) continue;
    size_t k = 0;
    while (k < left.size() && !(to[i].IsNamed() && left[k].SurelyEquals(to[i]))) ++k;
    if (k < left.size()) {
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(k));
    } else {
      given = given * to[i];
    }
  }
  Dim total = 1;
  for (const Dim& dim : left) total = total * dim;
  if (inferred >= 0) {
    const bool is_exact =
        !total.IsKnown() || !given.IsKnown() || (given.value() != 0 && total.value() % given.value() == 0);
    if (!is_exact) {
      return context.Error("cannot reshape " + ToString(from) + " to " + ToString(to) +
                           ": the element counts do not divide");
    }
    to[static_cast<size_t>(inferred)] = FloorDiv(total, given);
  } else if (total.IsKnown() && given.IsKnown() && total.value() != given.value()) {
    return context.Error("cannot reshape " + ToString(from) + " to " + ToString(to) + ": " +
                         total.ToString() + " elements against " + given.ToString());
  }
  return to;
}

Status Infer(InferContext& context) {
  auto target = context.content(1);
  if (!target) {
    Type type = Type::OfUnknownShape(context.dtype(0));
    const auto& shape = context.shape(1);
    if (shape && shape->size() == 1 && (*shape)[0].IsKnown() && (*shape)[0].value() <= 64) {
      type.shape = DimList(static_cast<size_t>((*shape)[0].value()));
    }
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  }
  if (!context.shape(0)) {
    for (Dim& dim : *target) {
      if (dim.IsKnown() && dim.value() <= 0) dim = Dim();
    }
    context.SetOutput(0, context.dtype(0), std::move(*target));
    return Status::Ok();
  }
  SLIPWAY_ASSIGN_OR_RETURN(DimList solved, Solve(context, *context.shape(0), std::move(*target)));
  context.SetOutput(0, context.dtype(0), std::move(solved));
  if (auto content = context.content(0)) context.SetContent(0, std::move(*content));
  return Status::Ok();
}

// ONNX before 5 had the shape as an attribute.
Status ImportOld(ImportContext& context) {
  return context.Emit("Reshape", {context.in(0), context.ConstInts(context.attrs().IntList("shape"))});
}

// TensorFlow and TFLite: 0 is an extent, not "copy".
Status ImportTensorflow(ImportContext& context) {
  return context.Emit("Reshape", {context.in(0), context.in(1)}, {{"allowzero", int64_t{1}}});
}

Status ImportTflite(ImportContext& context) {
  ValueId shape = context.in(1);
  const bool is_usable =
      shape != kNoValue && context.type(shape).IsStatic() && context.type(shape).rank() == 1;
  if (!is_usable) {
    if (!context.attrs().Has("new_shape")) return context.Error("has neither a shape input nor new_shape");
    shape = context.ConstInts(context.attrs().IntList("new_shape"));
  }
  return context.Emit("Reshape", {context.in(0), shape}, {{"allowzero", int64_t{1}}});
}

}  // namespace

OpDef MakeReshape() {
  OpDef op;
  op.name = "Reshape";
  op.group = "shape";
  op.summary =
      "The same elements in row-major order under another shape; one -1 is inferred, 0 copies an extent.";
  op.inputs = {{"x", kAnyType, "any shape"}, {"shape", kIndices, "[rank of the result]"}};
  op.outputs = {{"y", kAnyType, "as `shape` says"}};
  op.attrs = {IntAttr("allowzero", 0, "1: a 0 in shape is the extent 0")};
  op.infer = Infer;
  op.reference = RunMove;
  op.cases = [] {
    const auto shape = [](std::vector<double> values) {
      const auto n = static_cast<int64_t>(values.size());
      return TestInput{.dtype = DType::kI64, .dims = {n}, .values = std::move(values), .is_constant = true};
    };
    return std::vector<TestCase>{{"flat", {{.dims = {2, 3, 5}}, shape({-1})}, {}},
                                 {"copy", {{.dims = {2, 3, 5}}, shape({0, -1})}, {}}};
  };
  op.foreign = {{Format::kOnnx, "Reshape", 5},
                {Format::kOnnx, "Reshape", 1, 4, ImportOld},
                {Format::kTensorflow, "Reshape", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "RESHAPE", 1, INT_MAX, ImportTflite}};
  return op;
}

}  // namespace slipway
