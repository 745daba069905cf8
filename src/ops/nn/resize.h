// Parts of the Resize record that stand in files of their own.
#pragma once

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// What happens along one axis: input and output extent, scale (output per input, as the model gave it) and
// the region of interest in [0, 1] of the input.
struct ResizeAxis {
  int64_t in = 1;
  int64_t out = 1;
  double scale = 1;
  double roi_begin = 0;
  double roi_end = 1;
};

// The pixels that one output position along an axis is made of.
struct ResizeTaps {
  std::vector<int64_t> index;  // within [0, in)
  std::vector<double> weight;
  bool is_outside = false;  // tf_crop_and_resize: takes extrapolation_value
};
// One entry per output position. ONNX's definition (opset 19), in double.
std::vector<ResizeTaps> OnnxTaps(const Attrs& attrs, const ResizeAxis& axis);
// TFLite's and TensorFlow's: coordinates in f32 from the ratio of the extents.
std::vector<ResizeTaps> TfliteTaps(const Attrs& attrs, const ResizeAxis& axis);

// Bilinear resize of integers along two adjacent axes to the bit as TFLite's reference: i8 and i16 in 10-bit
// fixed point, u8 in f32 rounded half up. x: [outer,in0,in1,inner].
struct ResizePlane {
  int64_t outer = 1, inner = 1;
  ResizeAxis y, x;
};
void ResizeIntegerBilinear(const Attrs& attrs, const ResizePlane& plane, const Tensor& from, Tensor& to);

Status ImportOnnxResize10(ImportContext& context);
Status ImportOnnxResize(ImportContext& context);
Status ImportOnnxUpsample7(ImportContext& context);
Status ImportBilinear(ImportContext& context);  // TFLite and TensorFlow
Status ImportNearest(ImportContext& context);

std::vector<TestCase> ResizeCases();

}  // namespace slipway
