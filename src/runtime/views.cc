#include "runtime/views.h"

#include <algorithm>
#include <string_view>

#include "base/scalar.h"
#include "ops/activation.h"
#include "ops/shape/range.h"
#include "ops/transpose_tensor.h"

namespace slipway {
namespace {

Dims DimsOf(const Graph& graph, ValueId id) { return KnownDims(*graph.value(id).type.shape); }

size_t AxisOf(int64_t axis, size_t rank) {
  return static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
}

// The part from index `begin` of an axis on.
std::optional<PartView> PartAt(const Dims& whole, size_t axis, int64_t begin) {
  int64_t outer = 1;
  int64_t inner = 1;
  for (size_t i = 0; i < axis; ++i) outer *= whole[i];
  for (size_t i = axis + 1; i < whole.size(); ++i) inner *= whole[i];
  if (outer == 1) return PartView{begin * inner, false};
  if (axis + 1 == whole.size()) return PartView{begin, true};
  return std::nullopt;
}

// Parts that follow each other along an axis; those left out (kNoValue) have no place.
std::optional<StepViews> Parts(const Graph& graph, ViewKind kind, ValueId whole,
                               const std::vector<ValueId>& parts, int64_t axis_attr) {
  StepViews views{kind, {}};
  const Dims dims = DimsOf(graph, whole);
  const size_t axis = AxisOf(axis_attr, dims.size());
  int64_t at = 0;
  for (ValueId part : parts) {
    if (part == kNoValue) return std::nullopt;
    const auto view = PartAt(dims, axis, at);
    if (!view) return std::nullopt;
    views.parts.push_back(*view);
    at += DimsOf(graph, part)[axis];
  }
  return views;
}

std::optional<StepViews> ConcatViews(const Graph& graph, const Node& node) {
  if (ActivationOf(node.attrs).kind != Activation::kNone) return std::nullopt;
  return Parts(graph, ViewKind::kJoin, node.outputs[0], node.inputs, node.attrs.Int("axis"));
}

std::optional<StepViews> SplitViews(const Graph& graph, const Node& node) {
  return Parts(graph, ViewKind::kCut, node.inputs[0], node.outputs, node.attrs.Int("axis"));
}

std::optional<StepViews> SameViews(const Graph&, const Node&) { return StepViews{ViewKind::kSame, {}}; }

// One axis cut, by constants, without a stride.
std::optional<StepViews> SliceViews(const Graph& graph, const Node& node) {
  const Dims dims = DimsOf(graph, node.inputs[0]);
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.HasInput(i) && !graph.value(node.inputs[i]).IsConstant()) return std::nullopt;
  }
  const auto number = [&](size_t input, int64_t i) {
    const Tensor& data = graph.value(node.inputs[input]).data;
    return LoadInt(data.dtype(), data.data(), i);
  };
  StepViews views{ViewKind::kSame, {}};
  for (int64_t i = 0; i < graph.value(node.inputs[1]).data.count(); ++i) {
    const size_t axis = AxisOf(node.HasInput(3) ? number(3, i) : i, dims.size());
    const SliceRange range =
        ClampRange(number(1, i), number(2, i), node.HasInput(4) ? number(4, i) : 1, dims[axis]);
    if (range.step != 1) return std::nullopt;
    if (range.count == dims[axis]) continue;
    const auto view = PartAt(dims, axis, range.start);
    if (!view || views.kind == ViewKind::kCut) return std::nullopt;
    views = {ViewKind::kCut, {*view}};
  }
  return views;
}

// Moves only axes of extent 1.
std::optional<StepViews> TransposeViews(const Graph& graph, const Node& node) {
  const Dims dims = DimsOf(graph, node.inputs[0]);
  Ints perm = PermutationOf(node.attrs, static_cast<int>(dims.size()));
  std::erase_if(perm, [&](int64_t axis) { return dims[static_cast<size_t>(axis)] == 1; });
  if (!std::is_sorted(perm.begin(), perm.end())) return std::nullopt;
  return StepViews{ViewKind::kSame, {}};
}

struct Entry {
  std::string_view op;
  std::optional<StepViews> (*views)(const Graph&, const Node&);
};
constexpr Entry kEntries[] = {
    {"Concat", ConcatViews},  {"Split", SplitViews},   {"Slice", SliceViews},
    {"Reshape", SameViews},   {"Flatten", SameViews},  {"Squeeze", SameViews},
    {"Unsqueeze", SameViews}, {"Identity", SameViews}, {"Transpose", TransposeViews}};

// Elements are whole bytes and mean the same on both sides.
bool IsAlike(const Value& a, const Value& b) {
  return a.type.dtype == b.type.dtype && BitsOf(a.type.dtype) % 8 == 0 && a.quant == b.quant;
}

}  // namespace

std::optional<StepViews> ViewsOf(const Graph& graph, const Node& node) {
  const auto* entry = std::find_if(std::begin(kEntries), std::end(kEntries),
                                   [&](const Entry& each) { return each.op == node.op; });
  if (entry == std::end(kEntries) || !node.HasInput(0)) return std::nullopt;
  auto views = entry->views(graph, node);
  if (!views) return std::nullopt;
  const Value& whole = graph.value(views->kind == ViewKind::kJoin ? node.outputs[0] : node.inputs[0]);
  const size_t parts = views->kind == ViewKind::kSame ? 1 : views->parts.size();
  for (size_t i = 0; i < parts; ++i) {
    const ValueId part = views->kind == ViewKind::kJoin ? node.inputs[i] : node.outputs[i];
    if (part == kNoValue || !IsAlike(graph.value(part), whole)) return std::nullopt;
  }
  return views;
}

}  // namespace slipway
