// Puts the results of a max pooling back where they came from.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

int64_t EntryOr(const Ints& list, size_t i, int64_t otherwise) {
  return i < list.size() ? list[i] : otherwise;
}

// The image that the pooling saw, as far as its parameters tell.
DimList PooledFrom(const Attrs& attrs, const DimList& x) {
  const Ints& kernel = attrs.IntList("kernel_shape");
  const Ints& pads = attrs.IntList("pads");
  DimList shape = {x[0], x[1]};
  for (size_t k = 0; k < kernel.size(); ++k) {
    const int64_t added = kernel[k] - EntryOr(pads, k, 0) - EntryOr(pads, k + kernel.size(), 0);
    shape.push_back((x[k + 2] - 1) * EntryOr(attrs.IntList("strides"), k, 1) + added);
  }
  return shape;
}

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const DimList& x = *context.shape(0);
  if (x.size() < 3 || x.size() != context.attrs().IntList("kernel_shape").size() + 2) {
    return context.Error("x is " + ToString(x) + ", kernel_shape " +
                         ToString(context.attrs().IntList("kernel_shape")));
  }
  DimList shape = PooledFrom(context.attrs(), x);
  for (const Dim& dim : shape) {
    if (dim.IsKnown() && dim.value() < 0)
      return context.Error("kernel_shape and pads give a negative extent");
  }
  if (context.HasInput(2)) {
    const auto given = context.content(2);
    if (given && given->size() != shape.size())
      return context.Error("output_shape must have " + std::to_string(shape.size()) + " entries");
    for (size_t i = 0; i < shape.size(); ++i) {
      const Dim wanted = given ? (*given)[i] : Dim();
      if (wanted.IsKnown() && shape[i].IsKnown() && wanted.value() < shape[i].value()) {
        return context.Error("output_shape " + ToString(*given) + " is smaller than " + ToString(shape));
      }
      shape[i] = wanted;
    }
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& indices = context.in(1);
  const Dims inner = KnownDims(PooledFrom(context.attrs(), ToDimList(x.dims())));
  Dims dims = inner;
  if (context.HasInput(2)) {
    for (size_t i = 0; i < dims.size(); ++i)
      dims[i] = LoadInt(context.in(2).dtype(), context.in(2).data(), static_cast<int64_t>(i));
  }
  if (indices.count() != x.count())
    return context.Error("x is " + Describe(x) + ", indices " + Describe(indices));
  Tensor& y = context.AllocateOutput(0, dims);
  for (int64_t i = 0; i < y.count(); ++i) StoreReal(y.dtype(), y.data(), i, 0);
  const std::vector<int64_t> strides = DenseStrides(dims);
  const int64_t count = CountOf(inner);
  for (int64_t i = 0; i < x.count(); ++i) {
    int64_t at = LoadInt(indices.dtype(), indices.data(), i);
    if (at < 0 || at >= count)
      return context.Error("index " + std::to_string(at) + " is outside an image of " +
                           std::to_string(count));
    int64_t to = 0;
    for (size_t k = inner.size(); k-- > 0;) {
      to += at % inner[k] * strides[k];
      at /= inner[k];
    }
    CopyElement(x.dtype(), x.data(), i, y.data(), to);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeMaxUnpool() {
  OpDef op;
  op.name = "MaxUnpool";
  op.group = "vision";
  op.summary = "Puts each result of a max pooling back at its index; the rest is 0.";
  op.inputs = {
      {"x", kFloats, "[N,C,spatial...]"},
      {"indices", kIndices, "the shape of x; places in the flat image"},
      {"output_shape", kIndices, "[rank of x]; none: the least image that was pooled", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[N,C,image...]"}};
  op.attrs = {Required(IntsAttr("kernel_shape", {}, "of the pooling")),
              IntsAttr("pads", {}, "of the pooling; none: 0"),
              IntsAttr("strides", {}, "of the pooling; none: 1")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "MaxUnpool"}};
  return op;
}

}  // namespace slipway
