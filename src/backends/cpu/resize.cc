// Tactic for linear Resize of f32 along one axis or two that stand side by side, in every coordinate mode but
// tf_crop_and_resize, either layout, static shapes. Nearest goes by planned copies (copies.cc).
#include "backends/cpu/kernels/resize/resize.h"

#include <algorithm>

#include "backends/cpu/sample.h"
#include "backends/cpu/tactics.h"
#include "base/scalar.h"
#include "ops/nn/resize.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 8192;  // elements per task at least

// Extents and scale of every axis, from the scales or sizes operand.
std::vector<ResizeAxis> AxesOf(const Step& step) {
  const Dims x = KnownDims(*step.inputs[0]->type.shape);
  const Dims y = KnownDims(*step.outputs[0]->type.shape);
  std::vector<ResizeAxis> axes(x.size());
  for (size_t i = 0; i < x.size(); ++i) axes[i] = {x[i], y[i]};
  Ints named = step.attrs().IntList("axes");
  if (named.empty()) {
    for (size_t i = 0; i < x.size(); ++i) named.push_back(static_cast<int64_t>(i));
  }
  const bool has_sizes = step.HasInput(3) && step.inputs[3]->data.count() > 0;
  const Tensor& values = step.inputs[has_sizes ? 3 : 2]->data;
  for (size_t i = 0; i < named.size(); ++i) {
    ResizeAxis& axis =
        axes[static_cast<size_t>(named[i] < 0 ? named[i] + static_cast<int64_t>(x.size()) : named[i])];
    const double value = LoadReal(values.dtype(), values.data(), static_cast<int64_t>(i));
    axis.scale = has_sizes ? value / static_cast<double>(axis.in) : value;
  }
  return axes;
}

bool IsTouched(const ResizeAxis& axis) { return axis.in != axis.out || axis.scale != 1; }

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Resize" || step.attrs().String("mode") != "linear") return "not a linear Resize";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (step.attrs().Int("antialias") != 0) return "the filter widens";
  if (step.attrs().String("coordinate_transformation_mode") == "tf_crop_and_resize")
    return "crops beyond the image";
  if (step.attrs().String("keep_aspect_ratio_policy") != "stretch") return "keeps the aspect ratio";
  if (!AreOthersConstant(step)) return "scales or sizes are not constant";
  const bool has_sizes = step.HasInput(3) && step.inputs[3]->data.count() > 0;
  if (!has_sizes && !step.HasInput(2)) return "neither scales nor sizes are given";
  const Type& in = step.inputs[0]->type;
  const Type& out = step.outputs[0]->type;
  if (!in.IsStatic() || !out.IsStatic() || CountOfType(in) == 0) return "shapes are not static, or empty";
  const std::vector<ResizeAxis> axes = AxesOf(step);
  size_t first = 0;
  while (first < axes.size() && !IsTouched(axes[first])) ++first;
  for (size_t i = first + 2; i < axes.size(); ++i) {
    if (IsTouched(axes[i])) return "more than two neighbouring axes change";
  }
  return std::nullopt;
}

// One pixel as two halves: an infinite neighbour times 0 would spoil the sum.
LinearTap OneTap(int64_t index, float weight) { return {index, index, weight / 2, weight / 2}; }

std::vector<LinearTap> TapsAlong(const Attrs& attrs, const ResizeAxis& axis) {
  std::vector<LinearTap> taps(static_cast<size_t>(axis.out));
  if (!IsTouched(axis)) {
    for (size_t i = 0; i < taps.size(); ++i) taps[i] = OneTap(static_cast<int64_t>(i), 1);
    return taps;
  }
  const auto all = attrs.String("arithmetic") == "tflite" ? TfliteTaps(attrs, axis) : OnnxTaps(attrs, axis);
  for (size_t i = 0; i < taps.size(); ++i) {
    int found = 0;
    for (size_t k = 0; k < all[i].index.size(); ++k) {
      const auto weight = static_cast<float>(all[i].weight[k]);
      if (weight == 0) continue;
      if (found++ == 0) {
        taps[i] = OneTap(all[i].index[k], weight);
      } else {
        taps[i] = {taps[i].low, all[i].index[k], 2 * taps[i].weight_low, weight};
      }
    }
  }
  return taps;
}

class BilinearKernel : public Kernel {
 public:
  explicit BilinearKernel(const Step& step) {
    const std::vector<ResizeAxis> axes = AxesOf(step);
    size_t first = 0;
    while (first + 2 < axes.size() && !IsTouched(axes[first])) ++first;
    plan_.rows.resize(1);
    plan_.columns.resize(1);
    for (size_t i = 0; i < first; ++i) outer_ *= axes[i].in;
    if (first < axes.size()) {
      plan_.in_h = axes[first].in;
      plan_.rows = TapsAlong(step.attrs(), axes[first]);
    }
    if (first + 1 < axes.size()) {
      plan_.in_w = axes[first + 1].in;
      plan_.columns = TapsAlong(step.attrs(), axes[first + 1]);
    }
    for (size_t i = first + 2; i < axes.size(); ++i) plan_.inner *= axes[i].in;
  }

  Status Run(const KernelArgs& args) const override {
    const auto rows = outer_ * static_cast<int64_t>(plan_.rows.size());
    const auto width = static_cast<int64_t>(plan_.columns.size()) * plan_.inner;
    if (args.in(0).count() != outer_ * plan_.in_h * plan_.in_w * plan_.inner ||
        args.out(0).count() != rows * width) {
      return Status(Code::kInternal, "made for another shape");
    }
    if (width == 0) return Status::Ok();
    args.pool.ParallelFor(rows, std::max<int64_t>(1, kGrain / width), [&](int64_t begin, int64_t end) {
      ResizeBilinearRows(plan_, args.in(0).as<float>(), begin, end, args.out(0).as<float>());
    });
    return Status::Ok();
  }

 private:
  int64_t outer_ = 1;
  BilinearPlan plan_;
};

}  // namespace

std::vector<const Tactic*> ResizeTactics() {
  static const SimpleTactic linear("cpu/resize_linear_f32", BoundByMemory(17), WhyNot,
                                   MakeKernel<BilinearKernel>);
  return {&linear};
}

}  // namespace slipway::cpu
