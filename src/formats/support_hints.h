// Ways around operators that Slipway does not read: one table for every format.
#pragma once

#include <span>
#include <string_view>

#include "ir/foreign.h"

namespace slipway {

struct HintRow {
  Format format;
  std::string_view domain;  // ONNX only; exactly
  std::string_view op;      // exactly, or with one '*' for any text
  std::string_view hint;
};

// The first row that fits a node counts: exact names stand before patterns.
std::span<const HintRow> AllHintRows();

bool Fits(const HintRow& row, Format format, std::string_view domain, std::string_view op);

// Empty where no better way is known than to replace the operator.
std::string_view RewriteHint(Format format, std::string_view domain, std::string_view op);

}  // namespace slipway
