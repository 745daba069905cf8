// The operator manual, printed from the records.
#pragma once

#include <string>

#include "ops/op.h"

namespace slipway {

// One operator as Markdown: summary, formula, inputs, outputs, attributes, what maps onto it.
std::string DescribeOp(const OpDef& op);
// All of them, by group.
std::string OperatorManual();

}  // namespace slipway
