// Attributes that many rows of TFLite and TensorFlow spell alike.
#pragma once

#include "ops/activation.h"
#include "ops/import.h"
#include "ops/nn/window.h"

namespace slipway {

// TFLite's fused_activation_function as our `activation`.
Status AddTfliteActivation(const ImportContext& context, Attrs& attrs);
// TFLite's padding, stride_h/w and dilation_h/w_factor as a channels_last window.
Status AddTfliteWindow(const ImportContext& context, Attrs& attrs);
// The same of the three-dimensional operators.
Status AddTfliteWindow3d(const ImportContext& context, Attrs& attrs);

// TensorFlow's data_format ("NHWC", "NDHWC", "" -> channels_last; "NC..." -> channels_first).
Layout TfLayout(const ImportContext& context);
// TensorFlow's strides, dilations, padding, explicit_paddings and data_format as our window.
Status AddTfWindow(const ImportContext& context, Attrs& attrs);
// The spatial entries of a list with one entry per axis, such as strides or ksize.
Result<Ints> TfSpatial(const ImportContext& context, const std::string& name);

// A filter [spatial...,I,O] as our weights in that layout.
Result<ValueId> TfFilter(ImportContext& context, ValueId filter, Layout layout);
// A filter [h,w,C,multiplier] as the weights of a convolution in C groups.
Result<ValueId> TfDepthwiseFilter(ImportContext& context, ValueId filter, Layout layout);

// The value under another shape; a constant is reshaped at once.
Result<ValueId> ReshapedTo(ImportContext& context, ValueId value, const Dims& dims);

// The fused_ops of TensorFlow's _Fused* nodes after BiasAdd: sets `activation`, or names an operator to add
// behind.
struct TfFusion {
  bool has_bias = false;
  std::string then;  // "Elu", "PRelu" or empty
  Attrs attrs;       // activation attributes
};
Result<TfFusion> ReadTfFusion(const ImportContext& context);

// Rows that become a scale and an offset: TensorFlow's BiasAdd, ONNX's early Affine and ImageScaler. For Add.
ForeignRows ScaleRows();
// ONNX's early Crop. For Slice.
Status ImportCrop(ImportContext& context);

}  // namespace slipway
