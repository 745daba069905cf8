// An operand that a convolution or a fully connected layer adds to its result while storing it, and the
// activation on that way: the end of one element.
//
// Floats only: integers would have to say at which scale the sum is rounded, and no format does.
#pragma once

#include "ops/activation.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// Where it stands among the inputs of Conv and FullyConnected: x, w, b, residual.
inline constexpr size_t kResidualInput = 3;

// On which side of the activation it is added.
enum class ResidualOrder {
  kBeforeActivation,  // y = act(sum + residual): ResNet
  kAfterActivation    // y = act(sum) + residual: YOLOv5
};

Port ResidualPort();
AttrDef ResidualAttr();  // residual_order
ResidualOrder ResidualOrderOf(const Attrs& attrs);

// An error unless the residual, where there is one, has the shape and dtype of output 0, and x and w are
// floats. REQUIRES: output 0 is set.
Status CheckResidual(const InferContext& context);

// How a sum becomes an element of the output.
class LayerEnd {
 public:
  explicit LayerEnd(const RunContext& context);
  // sum: products and bias; at: the element's place in the output.
  double operator()(double sum, int64_t at) const;

 private:
  ActivationSpec activation_;
  ResidualOrder order_;
  const Tensor* residual_ = nullptr;
};

}  // namespace slipway
