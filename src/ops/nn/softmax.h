// Softmax, LogSoftmax and Hardmax: one set of axes, three functions.
#pragma once

#include <functional>

#include "ops/import.h"
#include "ops/run.h"

namespace slipway {

// axis, coerce_2d.
std::vector<AttrDef> SoftmaxAttrs();
Status InferSoftmax(InferContext& context);
// Calls row(values) on each line of elements that is normalised together; what it leaves there is the result.
Status RunRows(RunContext& context, const std::function<void(std::vector<double>&)>& row);

// The same split for integer kernels: `outer` x `length` x `inner`.
struct RowSplit {
  int64_t outer = 1, length = 1, inner = 1;
};
RowSplit SplitRows(const Attrs& attrs, const Dims& dims);

std::vector<TestCase> SoftmaxCases();

// ONNX before opset 13: axis 1 by default, all axes from there to the last taken together.
Status ImportOldOnnxSoftmax(ImportContext& context);
// TFLite and TensorFlow: the last axis.
Status ImportLastAxisSoftmax(ImportContext& context);

// Quantised Softmax to the bit as TFLite.
Status RunQuantizedSoftmax(RunContext& context);
Status RunQuantizedLogSoftmax(RunContext& context);

}  // namespace slipway
