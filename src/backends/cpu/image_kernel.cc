#include "backends/cpu/image_kernel.h"

#include "backends/cpu/kernels/depthwise/depthwise_bf16.h"
#include "backends/cpu/kernels/move/transpose.h"
#include "base/round_up.h"
#include "ops/nn/residual.h"

namespace slipway::cpu {
namespace {

int64_t Rounded(int64_t count) { return RoundUp(count, 16); }  // whole cache lines of f32

}  // namespace

std::optional<std::string> WhyNotConvF32(const Step& step) {
  if (step.op->name != "Conv") return "not a Conv";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (!IsConstantF32(step.inputs[1])) return "weights are not constant f32";
  if (step.HasInput(2) && !IsConstantF32(step.inputs[2])) return "bias is not constant f32";
  const int rank = step.inputs[1]->data.rank();
  if (rank != 3 && rank != 4) return "not one or two spatial axes";
  if (step.inputs[1]->data.count() == 0) return "weights are empty";
  return std::nullopt;
}

bool IsDepthwise(const Step& step) {
  const Dims& w = step.inputs[1]->data.dims();
  const bool is_last = LayoutOf(step.attrs()) == Layout::kChannelsLast;
  return step.attrs().Int("group", 1) == w[0] && (is_last ? w.back() : w[1]) == 1 && w[0] > 1;
}

Status ImageKernel::Init(const Step& step) {
  layout_ = LayoutOf(step.attrs());
  const Tensor& w = step.inputs[1]->data;
  const Image2 weight = ViewImage2(w.dims(), layout_);
  const Ints kernel = w.rank() == 4 ? Ints{weight.h, weight.w} : Ints{weight.w};
  SLIPWAY_ASSIGN_OR_RETURN(window_, Window2::Read(step.attrs(), kernel));
  group_ = step.attrs().Int("group", 1);
  activation_ = FusedOf(ActivationOf(step.attrs()));
  has_residual_ = step.HasInput(kResidualInput);
  is_residual_last_ = has_residual_ && ResidualOrderOf(step.attrs()) == ResidualOrder::kAfterActivation;
  return Status::Ok();
}

ConvGeometry ImageKernel::GeometryFor(const Dims& x, const Dims& y) const {
  return GeometryFor(ViewImage2(x, layout_), ViewImage2(y, layout_));
}

ConvGeometry ImageKernel::GeometryFor(const Image2& x, const Image2& y) const {
  return GeometryOf(window_, x, y, group_);
}

Epilogue ImageKernel::EpilogueOf(const Images& images) const {
  Epilogue epilogue;
  epilogue.activation = activation_;
  epilogue.residual = images.residual;
  epilogue.residual_step = images.residual_step;
  epilogue.is_residual_last = is_residual_last_;
  return epilogue;
}

int64_t ImageKernel::CopiesBytes(int64_t in_count, int64_t out_count) const {
  if (layout_ == Layout::kChannelsLast) return 0;
  return (Rounded(in_count) + (has_residual_ ? 2 : 1) * Rounded(out_count)) * 4;
}

int64_t ImageKernel::WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const {
  const int64_t in_count = CountOfType(inputs[0]), out_count = CountOfType(outputs[0]);
  if (!inputs[0].IsStatic() || out_count == 0) return 0;
  return CopiesBytes(in_count, out_count) +
         ScratchBytes(GeometryFor(KnownDims(*inputs[0].shape), KnownDims(*outputs[0].shape)));
}

int64_t ImageKernel::ThreadScratchBytes(const ConvGeometry&) const { return 0; }
int64_t ImageKernel::ScratchBytes(const ConvGeometry&) const { return 0; }

int64_t ImageKernel::ThreadWorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const {
  if (!inputs[0].IsStatic() || !outputs[0].IsStatic() || CountOfType(outputs[0]) == 0) return 0;
  return ThreadScratchBytes(GeometryFor(KnownDims(*inputs[0].shape), KnownDims(*outputs[0].shape)));
}

bool ImageKernel::CanReadSteps(size_t input) const {
  return layout_ == Layout::kChannelsLast && (input == 0 || input == kResidualInput);
}

bool ImageKernel::CanWriteSteps(size_t output) const {
  return layout_ == Layout::kChannelsLast && output == 0;
}

std::optional<PointwiseLayer> ImageKernel::AsPointwise() const { return std::nullopt; }

std::optional<DepthwiseLayer> ImageKernel::AsDepthwise(const Image2&, const Image2&) const {
  return std::nullopt;
}

void RunDepthwise(Precision precision, const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
  (precision == Precision::kBf16 ? RunDepthwiseBf16 : RunDepthwiseF32)(conv, row_begin, row_end);
}

bool ImageKernel::IsPointwise() const {
  bool is_plain = IsChannelsLast() && group_ == 1;
  for (const int axis : {0, 1}) {
    const bool is_padded =
        window_.mode == Window2::Pad::kExplicit && (window_.pad[axis] != 0 || window_.pad_end[axis] != 0);
    is_plain &= window_.kernel[axis] == 1 && window_.stride[axis] == 1 && !is_padded;
  }
  return is_plain;
}

bool ImageKernel::TakesBf16() const { return false; }

bool ImageKernel::CanReadBf16(size_t input) const { return TakesBf16() && CanReadSteps(input); }

bool ImageKernel::CanWriteBf16(size_t output) const { return TakesBf16() && CanWriteSteps(output); }

ImageKernel::Images ImageKernel::ImagesOf(const KernelArgs& args, Layout x_layout) const {
  const Image2 in = ViewImage2(args.in(0).dims(), x_layout);
  Images images;
  images.geometry = GeometryOf(window_, in, ViewImage2(args.out(0).dims(), layout_), group_);
  images.geometry.in_step = args.in_step(0);
  images.geometry.out_step = args.out_step(0);
  images.x = ConstElements(args.in(0));
  images.is_planar = x_layout == Layout::kChannelsFirst;
  images.y = Elements(args.out(0));
  images.scratch = args.workspace;
  if (!args.HasInput(kResidualInput)) return images;
  images.residual = ConstElements(args.in(kResidualInput));
  images.residual_step = args.in_step(kResidualInput);
  return images;
}

Status ImageKernel::Run(const KernelArgs& args) const {
  const Tensor& x = args.in(0);
  Tensor& y = args.out(0);
  if (y.count() == 0) return Status::Ok();
  if (layout_ == Layout::kChannelsLast) return Convolve(ImagesOf(args, layout_), args);
  Images images;
  images.geometry = GeometryFor(x.dims(), y.dims());
  images.x = ConstElements(x);
  images.y = Elements(y);
  const int64_t copies_bytes = CopiesBytes(x.count(), y.count());
  if (static_cast<int64_t>(args.workspace.size()) < copies_bytes) {
    return Status(Code::kInternal, "convolution got too little workspace");
  }
  images.scratch = args.workspace.subspan(static_cast<size_t>(copies_bytes));
  const int64_t in_count = Rounded(x.count());
  const int64_t out_count = Rounded(y.count());
  const Image2 in = ViewImage2(x.dims(), layout_);
  const Image2 out = ViewImage2(y.dims(), layout_);
  auto* x_last = reinterpret_cast<float*>(args.workspace.data());
  TransposeImages(images.x.floats(), in.n, in.c, in.h * in.w, x_last, args.pool);
  images.x = x_last;
  float* y_last = x_last + in_count;
  images.y = y_last;
  if (has_residual_) {
    float* residual = y_last + out_count;
    TransposeImages(args.in(kResidualInput).as<float>(), out.n, out.c, out.h * out.w, residual, args.pool);
    images.residual = residual;
    images.residual_step = out.c;
  }
  SLIPWAY_RETURN_IF_ERROR(Convolve(images, args));
  TransposeImages(y_last, out.n, out.h * out.w, out.c, y.as<float>(), args.pool);
  return Status::Ok();
}

}  // namespace slipway::cpu
