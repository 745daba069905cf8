// The neutral view of one node of a foreign model, between a format's decoder and the operator records.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace slipway {

enum class Format { kOnnx, kTflite, kTensorflow, kCaffe };
std::string_view FormatName(Format format);  // "onnx", "tflite", ...

struct ForeignNode {
  Format format = Format::kOnnx;
  std::string op;       // "Conv", "CONV_2D", "Conv2D"; custom TFLite operators by their custom code
  std::string domain;   // ONNX only; "" is ai.onnx
  int64_t version = 1;  // ONNX: opset imported for the domain; TFLite: the operator's version; TensorFlow: 1
  std::string name;
  // Values of the graph being built; kNoValue where left out. For nodes with sub-graphs the formal inputs
  // only.
  std::vector<ValueId> inputs;
  // Declared names, types and quantisation of the outputs; an empty name is an output left out. The types may
  // be wrong or unknown (dtype kNone): inference decides, except for TFLite's quant.
  std::vector<Value> outputs;
  // Under the format's own names. Sub-graphs are already imported and closure-converted: their inputs are the
  // formal ones, then `captures`.
  Attrs attrs;
  std::vector<ValueId> captures;
};

}  // namespace slipway
