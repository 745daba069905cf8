// Operators that keep something from run to run without a variable tensor: TensorFlow Lite Micro's audio
// operators, and random numbers with seeds. Here what they keep is an operand and a result more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/import.h"

namespace slipway::tflite {

struct OwnState {
  std::string name;              // after the operator's: "noise"
  Tensor start;                  // what the first run finds
  std::optional<size_t> result;  // that is what the next run finds; none: a result more
};

// In the order in which the records take them. Empty for other operators. Errors: operands whose shape is
// unknown, attributes out of range, more than kMaxVariableBytes with the `bytes` that all states took so far.
Result<std::vector<OwnState>> OwnStatesOf(const ForeignNode& node, const GraphBuilder& builder,
                                          int64_t& bytes);

// Whether such an operator cannot do without its state (else it draws its numbers in another way).
bool NeedsOwnState(const std::string& op);

}  // namespace slipway::tflite
