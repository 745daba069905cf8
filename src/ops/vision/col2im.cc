// Adds up overlapping blocks into an image: im2col backwards.
#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

int64_t EntryOr(const Ints& list, size_t i, int64_t otherwise) {
  return i < list.size() ? list[i] : otherwise;
}

Status Infer(InferContext& context) {
  const auto image = context.content(1);
  const auto block = context.ints(2);
  if (!context.shape(0) || !image || !block) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const DimList& x = *context.shape(0);
  if (x.size() != 3 || image->size() != block->size())
    return context.Error("x must be [N,C*block,L], image and block of one length");
  int64_t per_channel = 1;
  for (int64_t extent : *block) {
    if (extent < 1 || extent > INT32_MAX || __builtin_mul_overflow(per_channel, extent, &per_channel)) {
      return context.Error("block extents " + ToString(*block) + " must be 1 or more");
    }
  }
  const Ints& pads = context.attrs().IntList("pads");
  int64_t places = 1;
  bool is_known = x[2].IsKnown();
  for (size_t k = 0; k < image->size(); ++k) {
    const int64_t stride = EntryOr(context.attrs().IntList("strides"), k, 1);
    const int64_t dilation = EntryOr(context.attrs().IntList("dilations"), k, 1);
    if (stride < 1 || dilation < 1) return context.Error("strides and dilations must be 1 or more");
    is_known &= (*image)[k].IsKnown();
    if (!is_known) continue;
    const int64_t room = (*image)[k].value() + EntryOr(pads, k, 0) + EntryOr(pads, k + image->size(), 0) -
                         dilation * ((*block)[k] - 1) - 1;
    places *= room < 0 ? 0 : room / stride + 1;
  }
  if (is_known && places != x[2].value()) {
    return context.Error("x has " + x[2].ToString() + " blocks, the image has room for " +
                         std::to_string(places));
  }
  if (x[1].IsKnown() && x[1].value() % per_channel != 0) {
    return context.Error("axis 1 of x, " + x[1].ToString() + ", is no multiple of the block's " +
                         std::to_string(per_channel));
  }
  DimList shape = {x[0], FloorDiv(x[1], per_channel)};
  shape.insert(shape.end(), image->begin(), image->end());
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Dims dims = KnownDims(*context.out_type(0).shape);
  Tensor& y = context.AllocateOutput(0, dims);
  const Attrs& attrs = context.attrs();
  const size_t spatial = dims.size() - 2;
  Dims block, places;
  for (size_t k = 0; k < spatial; ++k) {
    block.push_back(LoadInt(context.in(2).dtype(), context.in(2).data(), static_cast<int64_t>(k)));
    const int64_t room = dims[k + 2] + EntryOr(attrs.IntList("pads"), k, 0) +
                         EntryOr(attrs.IntList("pads"), k + spatial, 0) -
                         EntryOr(attrs.IntList("dilations"), k, 1) * (block[k] - 1) - 1;
    places.push_back(room / EntryOr(attrs.IntList("strides"), k, 1) + 1);
  }
  const int64_t per_channel = CountOf(block);
  const int64_t pixels = CountOf(std::span<const int64_t>(dims).subspan(2));
  std::vector<double> sums(static_cast<size_t>(y.count()), 0);
  for (int64_t i = 0; i < x.count(); ++i) {
    int64_t place = i % x.dim(2);
    const int64_t row = i / x.dim(2);  // (image, channel, place in the block)
    int64_t in_block = row % per_channel;
    int64_t pixel = 0;
    int64_t stride = 1;
    bool is_inside = true;
    for (size_t k = spatial; k-- > 0;) {
      const int64_t at = place % places[k] * EntryOr(attrs.IntList("strides"), k, 1) +
                         in_block % block[k] * EntryOr(attrs.IntList("dilations"), k, 1) -
                         EntryOr(attrs.IntList("pads"), k, 0);
      place /= places[k];
      in_block /= block[k];
      is_inside &= at >= 0 && at < dims[k + 2];
      pixel += at * stride;
      stride *= dims[k + 2];
    }
    if (is_inside)
      sums[static_cast<size_t>(row / per_channel * pixels + pixel)] += LoadReal(x.dtype(), x.data(), i);
  }
  for (int64_t i = 0; i < y.count(); ++i) StoreReal(y.dtype(), y.data(), i, sums[static_cast<size_t>(i)]);
  return Status::Ok();
}

}  // namespace

OpDef MakeCol2Im() {
  OpDef op;
  op.name = "Col2Im";
  op.group = "vision";
  op.summary = "Puts columns back as blocks of an image; where blocks overlap they add up.";
  op.inputs = {{"x", kNumbers, "[N, C * block, blocks]"},
               {"image_shape", kIndices, "[n]"},
               {"block_shape", kIndices, "[n]"}};
  op.outputs = {{"y", kNumbers, "[N, C, image...]"}};
  op.attrs = {IntsAttr("dilations", {}, "between the pixels of a block; none: 1"),
              IntsAttr("pads", {}, "around the image, begins then ends; none: 0"),
              IntsAttr("strides", {}, "between blocks; none: 1")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "Col2Im"}};
  return op;
}

}  // namespace slipway
