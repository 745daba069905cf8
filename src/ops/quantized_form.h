// What an operator means on quantised integers: u8, i8 and i16 values that stand for reals by a scale and a
// zero point, as TFLite's tensors do.
//
// An operator says so by a line in quantized_forms.inc. One without a line has no such meaning: to compute on
// the bare steps would be silently wrong, so inference refuses it. Integers of other widths (biases, packed
// weights) and integers without a scale are left to the record.
#pragma once

#include <string_view>

#include "ops/infer.h"

namespace slipway {

enum class QuantizedForm {
  kNone,         // refused
  kComputes,     // the reference reads the scales; every 8 and 16-bit operand needs one
  kKeepsSteps,   // moves or compares steps: all scaled operands must share one scale and zero point
  kIgnoresScale  // does not read values, or reads the bare steps by definition (TFLite's CAST)
};

// Of the record called `op`.
QuantizedForm QuantizedFormOf(std::string_view op);

// To be called once the outputs' types are set. kUnsupported where inputs are quantised integers and the
// operator has no meaning for them, or would have to rescale and does not; kInvalidModel where scales are
// missing. Outputs of operators that keep steps may do without: see KeptQuant.
Status CheckQuantizedOperands(const InferContext& context);

// The scale that output i takes over from the inputs of an operator that keeps steps; nullopt elsewhere, and
// for per-axis scales, whose axis may have moved.
std::optional<Quant> KeptQuant(const InferContext& context, size_t i);

}  // namespace slipway
