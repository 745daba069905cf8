// The tactic for f32 ConvTranspose of one or two spatial axes, channels last, groups included.
//
// Idea (polyphase): output pixels that are a stride apart collect the same taps, so each of the stride's
// phases is a convolution of stride 1 with the taps that reach it, and its results lie a stride apart. A row
// of one phase is one product: its pixels by that phase's weights, the taps' pixels read where they stand.
#include "ops/nn/conv_transpose.h"

#include <algorithm>
#include <array>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/product.h"
#include "backends/cpu/tactics.h"
#include "base/round_up.h"

namespace slipway::cpu {
namespace {

constexpr size_t kMaxTaps = 256;            // of one phase
constexpr int64_t kStayFloats = 64 * 1024;  // of weights that stay in the second-level cache

// All but the batch.
bool HasKnownImage(const Type& type) {
  return type.HasRank() && type.rank() > 1 &&
         std::all_of(type.shape->begin() + 1, type.shape->end(),
                     [](const Dim& dim) { return dim.IsKnown() && dim.value() > 0; });
}

// Of a batch of one.
Image2 ViewKnownImage(const Type& type) {
  Dims dims = {1};
  for (auto dim = type.shape->begin() + 1; dim != type.shape->end(); ++dim) dims.push_back(dim->value());
  return ViewImage2(dims, Layout::kChannelsLast);
}

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "ConvTranspose") return "not a ConvTranspose";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (LayoutOf(step.attrs()) != Layout::kChannelsLast) return "channels come first";
  if (!IsConstantF32(step.inputs[1])) return "weights are not constant f32";
  if (step.HasInput(2) && !IsConstantF32(step.inputs[2])) return "bias is not constant f32";
  const Tensor& w = step.inputs[1]->data;
  if (w.rank() != 3 && w.rank() != 4) return "not one or two spatial axes";
  if (w.count() == 0) return "weights are empty";
  if (CountOf(w.dims()) / w.dim(0) / w.dim(-1) > static_cast<int64_t>(kMaxTaps)) return "more than 256 taps";
  if (!HasKnownImage(step.inputs[0]->type) || !HasKnownImage(step.outputs[0]->type))
    return "extents other than the batch are not known";
  return std::nullopt;
}

// A tap that reaches the output pixels phase + stride * j of an axis, from input pixel j + offset.
struct Tap {
  int64_t k, offset;
};
using Taps = std::vector<Tap>;

// By phase.
std::vector<Taps> PhasesOf(const Window3& window, size_t axis) {
  std::vector<Taps> phases(static_cast<size_t>(window.stride[axis]));
  for (int64_t phase = 0; phase < window.stride[axis]; ++phase) {
    for (int64_t k = 0; k < window.kernel[axis]; ++k) {
      const int64_t spread = phase + window.pad[axis] - k * window.dilation[axis];
      if (spread % window.stride[axis] == 0)
        phases[static_cast<size_t>(phase)].push_back({k, spread / window.stride[axis]});
    }
  }
  return phases;
}

class ConvTransposeKernel : public Kernel {
 public:
  explicit ConvTransposeKernel(const Step&) {}
  Status Init(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    in_ = ViewKnownImage(step.inputs[0]->type);
    out_ = ViewKnownImage(step.outputs[0]->type);
    const bool is_plane = w.rank() == 4;
    const Ints kernel = is_plane ? Ints{w.dim(1), w.dim(2)} : Ints{w.dim(1)};
    const std::array<int64_t, 2> in = {in_.h, in_.w}, out = {out_.h, out_.w};
    const size_t first = is_plane ? 0 : 1;
    SLIPWAY_ASSIGN_OR_RETURN(
        const Window3 window,
        TransposedWindow(*step.node, kernel, std::span(in).subspan(first), std::span(out).subspan(first)));
    rows_ = PhasesOf(window, 1);
    columns_ = PhasesOf(window, 2);
    group_ = step.attrs().Int("group", 1);
    activation_ = FusedOf(ActivationOf(step.attrs()));
    SetMargins();
    Pack(w, step);
    return Status::Ok();
  }

  bool CanReadSteps(size_t input) const override { return input == 0; }
  bool CanWriteSteps(size_t) const override { return true; }

  // The image between margins of zeros; and a row of zeros for what lies above and below it.
  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type>) const override {
    return ((*inputs[0].shape)[0].value() * in_.h + 1) * padded_width() * in_.c *
           static_cast<int64_t>(sizeof(float));
  }

  Status Run(const KernelArgs& args) const override {
    if (args.out(0).count() == 0) return Status::Ok();
    const int64_t batch = args.in(0).dim(0);
    if (args.in(0).count() != batch * in_.h * in_.w * in_.c)
      return Status(Code::kInternal, "made for another shape");
    auto* padded = reinterpret_cast<float*>(args.workspace.data());
    const int64_t row_floats = padded_width() * in_.c;
    CopyRows(args, padded + row_floats);
    std::fill_n(padded, row_floats, 0.0F);

    const int64_t panels = PanelsOf(out_c());
    const int64_t depth = static_cast<int64_t>(MostTaps()) * in_c();
    const int64_t wanted = std::max<int64_t>(2, kStayFloats / std::max<int64_t>(1, depth * kPanel) / 2 * 2);
    const int64_t panels_each = std::min(wanted, panels);
    const int64_t parts = DivideUp(panels, panels_each);
    // Rows run innermost: a part's weights stay in the cache.
    args.pool.ParallelFor(group_ * parts * batch * out_.h, GrainOf(out_.w * panels_each * kPanel * depth),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t task = begin; task < end; ++task) {
                              const int64_t row = task % (batch * out_.h);
                              const int64_t part = task / (batch * out_.h) % parts;
                              const int64_t group = task / (batch * out_.h) / parts;
                              RunRow(args, padded, group, row, part * panels_each,
                                     std::min((part + 1) * panels_each, panels));
                            }
                          });
    return Status::Ok();
  }

 private:
  int64_t in_c() const { return in_.c / group_; }
  int64_t out_c() const { return out_.c / group_; }
  int64_t padded_width() const { return margin_begin_ + in_.w + margin_end_; }
  size_t MostTaps() const {
    size_t most = 0;
    for (const Taps& row : rows_) {
      for (const Taps& column : columns_) most = std::max(most, row.size() * column.size());
    }
    return most;
  }

  // How far the taps of all phases reach beyond a row.
  void SetMargins() {
    const auto stride = static_cast<int64_t>(columns_.size());
    for (int64_t phase = 0; phase < stride; ++phase) {
      const int64_t last = DivideUp(std::max<int64_t>(out_.w - phase, 0), stride) - 1;
      for (const Tap& tap : columns_[static_cast<size_t>(phase)]) {
        margin_begin_ = std::max(margin_begin_, -tap.offset);
        margin_end_ = std::max(margin_end_, last + tap.offset - (in_.w - 1));
      }
    }
  }

  // body(group, row taps, column taps), in the order of weights_.
  template <class Body>
  void ForEachPhase(const Body& body) const {
    for (int64_t g = 0; g < group_; ++g) {
      for (const Taps& row : rows_) {
        for (const Taps& column : columns_) body(g, row, column);
      }
    }
  }

  // The input channels of a filter's taps.
  void AppendTaps(const float* filter, int64_t kernel_w, const Taps& row, const Taps& column,
                  std::vector<float>& taps) const {
    for (const Tap& y : row) {
      for (const Tap& x : column) {
        const float* from = filter + (y.k * kernel_w + x.k) * in_c();
        taps.insert(taps.end(), from, from + in_c());
      }
    }
  }

  // weights_: [group][row phase][column phase][panel][tap][c][16]
  void Pack(const Tensor& w, const Step& step) {
    const int64_t kernel_w = w.rank() == 4 ? w.dim(2) : w.dim(1);
    const int64_t filter = w.count() / w.dim(0);
    const int64_t panels = PanelsOf(out_c());
    const auto count_of = [](const Taps& row, const Taps& column) {
      return static_cast<int64_t>(row.size() * column.size());
    };
    int64_t total = 0;
    ForEachPhase([&](int64_t, const Taps& row, const Taps& column) {
      offsets_.push_back(total);
      total += panels * count_of(row, column) * in_c() * kPanel;
    });
    weights_ = PackInput<float>(step, 1, total, [&](float* to) {
      std::vector<float> taps;  // of a phase: [out_c][tap][in_c]
      ForEachPhase([&](int64_t g, const Taps& row, const Taps& column) {
        taps.clear();
        for (int64_t o = 0; o < out_c(); ++o)
          AppendTaps(w.as<float>() + (g * out_c() + o) * filter, kernel_w, row, column, taps);
        const int64_t count = count_of(row, column);
        PackPanels(taps.data(), out_c(), count, in_c(), count * in_c(), in_c(), 1, to);
        to += panels * count * in_c() * kPanel;
      });
    });
    bias_.assign(static_cast<size_t>(group_ * panels * kPanel), 0.0F);
    if (!step.HasInput(2)) return;
    for (int64_t g = 0; g < group_; ++g)
      std::copy_n(step.inputs[2]->data.as<float>() + g * out_c(), out_c(),
                  bias_.begin() + g * panels * kPanel);
  }

  void CopyRows(const KernelArgs& args, float* to) const {
    const float* x = args.in(0).as<float>();
    const int64_t step = args.in_step(0);
    const int64_t row_floats = padded_width() * in_.c;
    args.pool.ParallelFor(args.in(0).dim(0) * in_.h, std::max<int64_t>(1, 8192 / row_floats),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t row = begin; row < end; ++row) {
                              float* target = to + row * row_floats;
                              target = std::fill_n(target, margin_begin_ * in_.c, 0.0F);
                              for (int64_t i = 0; i < in_.w; ++i, target += in_.c)
                                std::copy_n(x + (row * in_.w + i) * step, in_.c, target);
                              std::fill_n(target, margin_end_ * in_.c, 0.0F);
                            }
                          });
  }

  // Row `row` of all images' output rows; padded: the row of zeros, then the image's.
  void RunRow(const KernelArgs& args, const float* padded, int64_t group, int64_t row, int64_t panel_begin,
              int64_t panel_end) const {
    const int64_t row_floats = padded_width() * in_.c;
    const int64_t image = row / out_.h;
    const auto stride_y = static_cast<int64_t>(rows_.size()),
               stride_x = static_cast<int64_t>(columns_.size());
    const int64_t phase_y = row % out_.h % stride_y;
    std::array<const float*, kMaxTaps> runs;
    for (int64_t phase_x = 0; phase_x < std::min(stride_x, out_.w); ++phase_x) {
      size_t count = 0;
      for (const Tap& y : rows_[static_cast<size_t>(phase_y)]) {
        const int64_t source = row % out_.h / stride_y + y.offset;
        const bool is_inside = source >= 0 && source < in_.h;
        const float* from = is_inside ? padded + (1 + image * in_.h + source) * row_floats : padded;
        for (const Tap& x : columns_[static_cast<size_t>(phase_x)])
          runs[count++] = from + (margin_begin_ + x.offset) * in_.c + group * in_c();
      }
      GemmF32 gemm;
      gemm.a = runs.data();
      gemm.num_runs = static_cast<int64_t>(count);
      gemm.run_length = in_c();
      gemm.a_step = in_.c;
      gemm.b =
          weights_.data() + offsets_[static_cast<size_t>((group * stride_y + phase_y) * stride_x + phase_x)];
      gemm.columns = out_c();
      gemm.c = args.out(0).as<float>() + (row * out_.w + phase_x) * args.out_step(0) + group * out_c();
      gemm.c_step = stride_x * args.out_step(0);
      gemm.epilogue.bias = bias_.data() + group * PanelsOf(out_c()) * kPanel;
      gemm.epilogue.activation = activation_;
      RunGemmF32(gemm, DivideUp(out_.w - phase_x, stride_x), panel_begin, panel_end);
    }
  }

  Image2 in_, out_;                   // one of a batch
  std::vector<Taps> rows_, columns_;  // by phase
  int64_t group_ = 1;
  int64_t margin_begin_ = 0, margin_end_ = 0;  // pixels beside a row
  FusedActivation activation_;
  PackedArray<float> weights_;
  std::vector<int64_t> offsets_;  // of [group][row phase][column phase] in the weights
  std::vector<float> bias_;
};

}  // namespace

std::vector<const Tactic*> ConvTransposeTactics() {
  static const SimpleTactic f32("cpu/conv_transpose_f32", Speed{150, 60}, WhyNot,
                                MakeKernel<ConvTransposeKernel>);
  return {&f32};
}

}  // namespace slipway::cpu
