#include "ir/foreign.h"

namespace slipway {

std::string_view FormatName(Format format) {
  switch (format) {
    case Format::kOnnx: return "onnx";
    case Format::kTflite: return "tflite";
    case Format::kTensorflow: return "tensorflow";
    case Format::kCaffe: return "caffe";
  }
  return "unknown";
}

}  // namespace slipway
