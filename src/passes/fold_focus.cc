// A stem on the image's four phases (space to depth, "Focus") is a convolution of twice the window and
// stride.
//   Conv(Concat(x[::2, ::2], x[1::2, ::2], x[::2, 1::2], x[1::2, 1::2]), w)   =>   Conv(x, w')     YOLOv5,
//   YOLOX
// w' has the taps of the phases side by side: as many products, and nothing is moved. The phases may come in
// any order, and each of them from one Slice or two. Left alone: rows or columns of odd or unknown number,
// dilated or grouped convolutions, padding by name, weights that are not constant, quantised values, a
// concatenation that others read.
#include <algorithm>
#include <array>

#include "base/scalar.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

// x[y::2, x::2]
struct Phase {
  ValueId x = kNoValue;
  std::array<int64_t, 2> start = {-1, -1};  // of rows and of columns; -1: not cut
  std::vector<Node*> slices = {};
};

std::optional<Ints> ConstantInts(GraphView& view, const Node& node, size_t input) {
  if (!node.HasInput(input)) return std::nullopt;
  const Tensor* tensor = view.Constant(node.inputs[input]);
  return tensor == nullptr ? std::nullopt : std::optional(IntsOf(*tensor));
}

// Takes the cuts of a Slice into `phase`; false: it cuts otherwise.
bool AddCuts(GraphView& view, const Node& slice, Phase& phase) {
  const Type& x = view.graph().value(slice.inputs[0]).type;
  const auto starts = ConstantInts(view, slice, 1), ends = ConstantInts(view, slice, 2);
  const auto axes = ConstantInts(view, slice, 3), steps = ConstantInts(view, slice, 4);
  if (!starts || !ends || !axes || !steps || !x.IsStatic() || x.rank() != 4) return false;
  for (size_t i = 0; i < axes->size(); ++i) {
    const int64_t axis = (*axes)[i] < 0 ? (*axes)[i] + 4 : (*axes)[i];
    if (axis < 2 || axis > 3 || (*steps)[i] != 2 || (*starts)[i] < 0 || (*starts)[i] > 1) return false;
    const int64_t extent = x.shape->at(static_cast<size_t>(axis)).value();
    int64_t& start = phase.start[static_cast<size_t>(axis - 2)];
    if (start >= 0 || extent % 2 != 0 || (*ends)[i] < extent) return false;
    start = (*starts)[i];
  }
  return true;
}

std::optional<Phase> PhaseOf(GraphView& view, ValueId id) {
  Phase phase{id};
  for (Node* node = view.Producer(id); node != nullptr && node->op == "Slice";
       node = view.Producer(phase.x)) {
    if (view.graph().value(phase.x).quant || !AddCuts(view, *node, phase)) return std::nullopt;
    phase.slices.push_back(node);
    phase.x = node->inputs[0];
    if (phase.start[0] >= 0 && phase.start[1] >= 0) return phase;
  }
  return std::nullopt;
}

// Of one image, each once.
std::optional<std::vector<Phase>> PhasesOf(GraphView& view, const Node& concat) {
  if (concat.inputs.size() != 4) return std::nullopt;
  std::vector<Phase> phases;
  unsigned seen = 0;
  for (ValueId id : concat.inputs) {
    const auto phase = PhaseOf(view, id);
    if (!phase || (!phases.empty() && phase->x != phases[0].x)) return std::nullopt;
    seen |= 1U << (2 * phase->start[0] + phase->start[1]);
    phases.push_back(*phase);
  }
  return seen == 15 ? std::optional(phases) : std::nullopt;
}

bool IsFittingConv(GraphView& view, const Node& node) {
  if (node.op != "Conv" || node.attrs.String("layout") != "channels_first" || node.attrs.Int("group") != 1)
    return false;
  const Tensor* w = view.Constant(node.inputs[1]);
  const Ints dilations = node.attrs.IntList("dilations");
  return w != nullptr && w->dtype() == DType::kF32 && w->rank() == 4 && w->dim(1) % 4 == 0 &&
         node.attrs.String("auto_pad") == "NOTSET" && !view.graph().value(node.inputs[1]).quant &&
         !view.graph().value(node.inputs[0]).quant &&
         std::ranges::all_of(dilations, [](int64_t dilation) { return dilation == 1; });
}

// [o, 4 c, h, w] -> [o, c, 2 h, 2 w]
Tensor Unfolded(const Tensor& w, const std::vector<Phase>& phases) {
  const int64_t channels = w.dim(1) / 4, rows = w.dim(2), columns = w.dim(3);
  Tensor result(DType::kF32, {w.dim(0), channels, 2 * rows, 2 * columns});
  const float* from = w.as<float>();
  for (int64_t o = 0; o < w.dim(0); ++o) {
    for (const Phase& phase : phases) {
      for (int64_t c = 0; c < channels; ++c) {
        float* to = result.as<float>() + (o * channels + c) * 4 * rows * columns;
        for (int64_t y = 0; y < rows; ++y) {
          for (int64_t x = 0; x < columns; ++x)
            to[(2 * y + phase.start[0]) * 2 * columns + 2 * x + phase.start[1]] = *from++;
        }
      }
    }
  }
  return result;
}

Ints Doubled(Ints values, size_t count, int64_t usual) {
  if (values.empty()) values.assign(count, usual);
  for (int64_t& value : values) value *= 2;
  return values;
}

}  // namespace

Result<bool> FoldFocus(Graph& graph) {
  GraphView view(graph);
  for (Node& conv : graph.nodes) {
    if (conv.inputs.size() < 2 || !IsFittingConv(view, conv)) continue;
    Node* concat = view.Producer(conv.inputs[0]);
    if (!IsPlain(concat, "Concat") || concat->attrs.Int("axis") != 1 || !view.IsOnlyReadOnce(conv.inputs[0]))
      continue;
    const auto phases = PhasesOf(view, *concat);
    if (!phases) continue;
    std::vector<Node*> gone = {concat};
    for (const Phase& phase : *phases) {
      for (Node* slice : phase.slices) {
        if (std::ranges::find(gone, slice) == gone.end()) gone.push_back(slice);
      }
    }
    const ValueId old = conv.inputs[1];
    for (const Node* node : gone) MergeSources(conv, *node);
    conv.inputs[0] = (*phases)[0].x;
    conv.inputs[1] = graph.AddConstant(graph.value(old).name, Unfolded(graph.value(old).data, *phases));
    conv.attrs.Set("strides", Doubled(conv.attrs.IntList("strides"), 2, 1));
    conv.attrs.Set("pads", Doubled(conv.attrs.IntList("pads"), 4, 0));
    view.Update(conv);
    view.DropUnread(gone);
    view.ReleaseUnread(old);
  }
  return view.Finish();
}

}  // namespace slipway
