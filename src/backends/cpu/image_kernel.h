// What the tactics of f32 Conv share: which steps they fit, geometry, and a channels-last copy of images
// whose channels come first.
#pragma once

#include "backends/cpu/kernels/conv/conv_f32.h"
#include "backends/cpu/kernels/depthwise/depthwise_f32.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {

// A Conv of one or two spatial axes on f32 with constant weights and bias; nullopt if it is one.
std::optional<std::string> WhyNotConvF32(const Step& step);
// One filter per channel.
bool IsDepthwise(const Step& step);

// Of the image between two steps that run as one, which pays where it is larger: a small one (in f32) stays
// in the second-level caches as a whole, and threads that share its rows would each compute those where their
// parts meet.
inline bool IsSmallImage(int64_t elements) {
  return elements * static_cast<int64_t>(sizeof(float)) <= 1024 * 1024;
}

// A convolution that is one product per pixel: 1x1, stride 1.
struct PointwiseLayer {
  int64_t in_c = 0, out_c = 0;
  Precision precision = Precision::kF32;
  const float* weights = nullptr;  // packed: PackPanels or PackPanelsBf16
  Epilogue epilogue;
};

// One filter per channel.
struct DepthwiseLayer {
  DepthwiseF32 conv;
  Precision precision = Precision::kF32;  // kBf16: images may be bf16
};

// RunDepthwiseF32 or RunDepthwiseBf16.
void RunDepthwise(Precision precision, const DepthwiseF32& conv, int64_t row_begin, int64_t row_end);

// A Conv on images, channels last. Where channels come first, images pass through copies in the workspace.
class ImageKernel : public Kernel {
 public:
  Status Init(const Step& step);

  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const override;
  int64_t ThreadWorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const override;
  bool CanReadSteps(size_t input) const override;
  bool CanWriteSteps(size_t output) const override;
  bool CanReadBf16(size_t input) const override;
  bool CanWriteBf16(size_t output) const override;
  Status Run(const KernelArgs& args) const override;
  // nullopt: it is none, its channels come first, or there is a residual.
  virtual std::optional<PointwiseLayer> AsPointwise() const;
  // The same, of images of these extents: but for where they lie.
  virtual std::optional<DepthwiseLayer> AsDepthwise(const Image2& x, const Image2& y) const;

 protected:
  struct Images {
    ConvGeometry geometry;
    // bf16 only where the kernel said that it can: CanReadBf16, CanWriteBf16.
    ConstElements x = nullptr;
    bool is_planar = false;            // x alone, with its channels first: see ConvF32
    ConstElements residual = nullptr;  // null: none
    int64_t residual_step = 0;
    Elements y = nullptr;
    std::span<uint8_t> scratch;  // ScratchBytes(geometry) or more, shared by the threads
  };

  // Of a kernel with channels last. x_layout: of input 0, where a Transpose to channels last is passed over.
  Images ImagesOf(const KernelArgs& args, Layout x_layout) const;

  // All groups. Every thread has ThreadScratchBytes(geometry) at args.ThreadWorkspace().
  virtual Status Convolve(const Images& images, const KernelArgs& args) const = 0;
  virtual int64_t ThreadScratchBytes(const ConvGeometry& geometry) const;
  virtual int64_t ScratchBytes(const ConvGeometry& geometry) const;
  // Whether images and the residual may be bf16, in any combination.
  virtual bool TakesBf16() const;

  bool IsChannelsLast() const { return layout_ == Layout::kChannelsLast; }
  // Of the weights and attributes alone.
  bool IsPointwise() const;
  ConvGeometry GeometryFor(const Dims& x, const Dims& y) const;
  ConvGeometry GeometryFor(const Image2& x, const Image2& y) const;
  // The end of an element, without its bias.
  Epilogue EpilogueOf(const Images& images) const;
  bool HasResidual() const { return has_residual_; }
  FusedActivation activation() const { return activation_; }
  int64_t group() const { return group_; }

 private:
  // In front of the scratch: copies with their channels last.
  int64_t CopiesBytes(int64_t in_count, int64_t out_count) const;

  Layout layout_ = Layout::kChannelsLast;
  Window2 window_;
  int64_t group_ = 1;
  FusedActivation activation_;
  bool has_residual_ = false;
  bool is_residual_last_ = false;
};

}  // namespace slipway::cpu
