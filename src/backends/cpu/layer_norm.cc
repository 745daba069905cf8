// Tactic for f32 LayerNormalization and RMSNormalization with one scale and bias per place in a row.
#include "backends/cpu/kernels/normalize/layer_norm.h"

#include <algorithm>

#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 16384;  // elements per task at least

// The normalised extents, from the back; nullopt: not all are known.
std::optional<Dims> RowDims(const Step& step) {
  const Type& type = step.inputs[0]->type;
  if (!type.HasRank()) return std::nullopt;
  int64_t axis = step.attrs().Int("axis", -1);
  if (axis < 0) axis += type.rank();
  Dims dims;
  for (auto i = static_cast<size_t>(axis); i < type.shape->size(); ++i) {
    if (!(*type.shape)[i].IsKnown()) return std::nullopt;
    dims.push_back((*type.shape)[i].value());
  }
  return dims;
}

// Whether the parameter is a row: the trailing extents of x, ones before them.
bool IsRow(const Value& parameter, const Dims& row) {
  if (!parameter.type.IsStatic()) return false;
  Dims dims = KnownDims(*parameter.type.shape);
  if (dims.size() < row.size()) return CountOf(row) == 1 && CountOf(dims) == 1;
  const auto begin = dims.end() - static_cast<int64_t>(row.size());
  return std::equal(begin, dims.end(), row.begin()) &&
         std::all_of(dims.begin(), begin, [](int64_t d) { return d == 1; });
}

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "LayerNormalization" && step.op->name != "RMSNormalization")
    return "not a layer normalisation";
  const auto row = RowDims(step);
  if (!row) return "the normalised extents are not known";
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (!step.HasInput(i)) continue;
    if (TypeOf(step.inputs[i]) != DType::kF32) return "operands are not f32";
    if (i > 0 && !IsRow(*step.inputs[i], *row)) return "scale or bias is not a row of x";
  }
  for (size_t i = 1; i < step.outputs.size(); ++i) {
    if (step.outputs[i] != nullptr) return "the moments are outputs";
  }
  return std::nullopt;
}

class LayerNormKernel : public Kernel {
 public:
  explicit LayerNormKernel(const Step& step) {
    const Dims row = *RowDims(step);
    norm_.length = CountOf(row);
    norm_.epsilon = static_cast<double>(step.attrs().Float("epsilon"));
    norm_.has_mean = step.op->name == "LayerNormalization";
    is_last_axis_ = row.size() == 1;
  }
  bool CanReadSteps(size_t input) const override { return input == 0 && is_last_axis_; }
  bool CanWriteSteps(size_t) const override { return is_last_axis_; }
  bool CanOverwrite(size_t input, size_t) const override { return input == 0; }

  Status Run(const KernelArgs& args) const override {
    if (args.out(0).count() == 0) return Status::Ok();
    LayerNormF32 norm = norm_;
    norm.scale = args.in(1).as<float>();
    norm.bias = args.HasInput(2) ? args.in(2).as<float>() : nullptr;
    const float* x = args.in(0).as<float>();
    float* y = args.out(0).as<float>();
    const int64_t x_step = is_last_axis_ ? args.in_step(0) : norm.length;
    const int64_t y_step = is_last_axis_ ? args.out_step(0) : norm.length;
    args.pool.ParallelFor(args.out(0).count() / norm.length, std::max<int64_t>(1, kGrain / norm.length),
                          [&](int64_t begin, int64_t end) {
                            LayerNormRows(norm, x + begin * x_step, x_step, end - begin, y + begin * y_step,
                                          y_step);
                          });
    return Status::Ok();
  }

 private:
  LayerNormF32 norm_;
  bool is_last_axis_ = true;
};

}  // namespace

std::vector<const Tactic*> LayerNormTactics() {
  static const SimpleTactic layer("cpu/layer_norm_f32", Speed{60, 60}, WhyNot, MakeKernel<LayerNormKernel>);
  return {&layer};
}

}  // namespace slipway::cpu
