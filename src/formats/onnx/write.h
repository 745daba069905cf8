// Writes graphs as ONNX models: those whose operators ONNX has, with the same meaning.
//
// Importing what was written gives the graph again (operators, attributes, constants, names and order), but
// for nodes and constants that no output needs, and numbers that ONNX insists on where a 0 says the same here
// (hidden_size, num_outputs). Left out on purpose: rewriting an operator that ONNX lacks
// into several that it has, and weights beside the model (a file may hold 2 GiB).
#pragma once

#include <cstdint>
#include <string>

#include "ir/graph.h"
#include "slipway/status.h"

namespace slipway {

// Models are written for this opset, or for the first later one that has all their operators.
inline constexpr int64_t kWrittenOpset = 22;

// The file's bytes; equal graphs give equal bytes. Errors (kUnsupported) name the first node that ONNX lacks
// and count the others; values that carry a scale and states (recurrent layers, variables) are refused by
// name, and what does not fit a file. Names within sub-graphs get a number behind them where ONNX wants them
// unlike those outside.
// REQUIRES: VerifyGraph found nothing.
Result<std::string> FormatOnnx(const Graph& graph);
Status WriteOnnx(const Graph& graph, const std::string& path);

// A TensorProto by itself, as in the input_N.pb of ONNX's test data.
std::string FormatTensorProto(const std::string& name, const Tensor& tensor);

}  // namespace slipway
