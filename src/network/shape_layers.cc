// Layers that move elements: concatenation, slices, shapes, transposition, resizing, padding, types.
#include <algorithm>
#include <array>
#include <limits>

#include "network/state.h"

namespace slipway {
namespace {

constexpr std::array kInterpolations = {"nearest", "linear", "cubic"};
constexpr std::array kCoordinates = {"asymmetric", "half_pixel", "align_corners"};
constexpr std::array kRoundings = {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"};
constexpr std::array kFills = {"constant", "reflect", "symmetric", "edge"};

// Empty: every element that the slice names lies inside `extent` (-1: unknown).
std::string SliceProblem(int64_t start, int64_t size, int64_t stride, int64_t extent, size_t axis) {
  // Extents of tensors stay far below this, so that the sums here fit.
  constexpr int64_t kFar = int64_t{1} << 31;
  const std::string what = "slice: axis " + std::to_string(axis);
  if (start < 0 || start > kFar || size < 0 || size > kFar || stride == 0 || stride > kFar || stride < -kFar)
    return what + " has start " + std::to_string(start) + ", size " + std::to_string(size) + ", stride " +
           std::to_string(stride);
  const int64_t last = start + (size - 1) * stride;
  if (size == 0 || extent < 0 || (start < extent && last >= 0 && last < extent)) return {};
  return what + " has " + std::to_string(extent) + " elements, start " + std::to_string(start) + ", size " +
         std::to_string(size) + ", stride " + std::to_string(stride) + " reach beyond";
}

}  // namespace

NetTensor NetworkBuilder::Concatenation(const std::vector<NetTensor>& inputs, int axis, Where where) {
  return One("concatenation", "Concat", inputs, {{"axis", int64_t{axis}}}, where);
}

NetTensor NetworkBuilder::Slice(NetTensor x, const SliceLayer& layer, Where where) {
  if (!status().ok()) return Refused();
  const size_t rank = layer.start.size();
  const Dims stride = layer.stride.empty() ? Dims(rank, 1) : layer.stride;
  const std::optional<Dims> extents = dims(x);
  if (layer.size.size() != rank || stride.size() != rank || (extents && extents->size() != rank))
    return Fail(where, Status(Code::kUsage, "slice: start has " + std::to_string(rank) + " entries, size " +
                                                std::to_string(layer.size.size()) + ", stride " +
                                                std::to_string(stride.size()) + ", the tensor " +
                                                (extents ? std::to_string(extents->size()) : "?") + " axes"));
  Dims ends;
  for (size_t i = 0; i < rank; ++i) {
    const std::string problem =
        SliceProblem(layer.start[i], layer.size[i], stride[i], extents ? (*extents)[i] : -1, i);
    if (!problem.empty()) return Fail(where, Status(Code::kUsage, problem));
    const int64_t end = layer.start[i] + layer.size[i] * stride[i];
    // A negative end would count from the back; this one means before the first.
    ends.push_back(end < 0 ? std::numeric_limits<int64_t>::min() : end);
  }
  return One("slice", "Slice",
             {x, Integers(layer.start), Integers(ends), NetTensor::LeftOut(), Integers(stride)}, {}, where);
}

NetTensor NetworkBuilder::Gather(NetTensor x, NetTensor indices, int axis, Where where) {
  return One("gather", "Gather", {x, indices}, {{"axis", int64_t{axis}}}, where);
}

NetTensor NetworkBuilder::Shuffle(NetTensor x, const ShuffleLayer& layer, Where where) {
  NetTensor y = x;
  if (!layer.first_transpose.empty()) y = Transpose(y, layer.first_transpose, where);
  if (!layer.reshape.empty()) y = Reshape(y, layer.reshape, where);
  if (!layer.second_transpose.empty()) y = Transpose(y, layer.second_transpose, where);
  return y;
}

NetTensor NetworkBuilder::Reshape(NetTensor x, Dims dims, Where where) {
  if (!status().ok()) return Refused();
  // Empty: a scalar, not an operand left out.
  const auto rank = static_cast<int64_t>(dims.size());
  return One("reshape", "Reshape", {x, AddConstant(Tensor::From<int64_t>(DType::kI64, {rank}, dims))}, {},
             where);
}

NetTensor NetworkBuilder::Transpose(NetTensor x, Dims permutation, Where where) {
  return One("transpose", "Transpose", {x}, {{"perm", std::move(permutation)}}, where);
}

NetTensor NetworkBuilder::Resize(NetTensor x, const ResizeLayer& layer, Where where) {
  if (!status().ok()) return Refused();
  if (layer.sizes.empty() == layer.scales.empty())
    return Fail(where, Status(Code::kUsage, "resize needs sizes or scales, and not both"));
  NetTensor scales = NetTensor::LeftOut();
  if (!layer.scales.empty())
    scales = AddConstant(
        Tensor::From<float>(DType::kF32, {static_cast<int64_t>(layer.scales.size())}, layer.scales));
  return One("resize", "Resize", {x, NetTensor::LeftOut(), scales, Integers(layer.sizes)},
             {{"mode", kInterpolations[static_cast<size_t>(layer.mode)]},
              {"coordinate_transformation_mode", kCoordinates[static_cast<size_t>(layer.coordinates)]},
              {"nearest_mode", kRoundings[static_cast<size_t>(layer.rounding)]}},
             where);
}

NetTensor NetworkBuilder::Padding(NetTensor x, const PaddingLayer& layer, Where where) {
  if (!status().ok()) return Refused();
  if (layer.pre.size() != layer.post.size() || layer.pre.empty())
    return Fail(where, Status(Code::kUsage, "padding: pre has " + std::to_string(layer.pre.size()) +
                                                " entries, post " + std::to_string(layer.post.size())));
  Dims pads = layer.pre;
  pads.insert(pads.end(), layer.post.begin(), layer.post.end());
  Dims axes;
  for (size_t i = 0; i < layer.pre.size(); ++i)
    axes.push_back(static_cast<int64_t>(i) - static_cast<int64_t>(layer.pre.size()));
  const NetTensor value = layer.value == 0 ? NetTensor::LeftOut() : ScalarLike(x, layer.value);
  return One("padding", "Pad", {x, Integers(pads), value, Integers(axes)},
             {{"mode", kFills[static_cast<size_t>(layer.fill)]}}, where);
}

NetTensor NetworkBuilder::Cast(NetTensor x, DType dtype, Where where) {
  return One("cast", "Cast", {x}, {{"to", dtype}}, where);
}

NetTensor NetworkBuilder::Shape(NetTensor x, Where where) { return One("shape", "Shape", {x}, {}, where); }

}  // namespace slipway
