// Which attributes ONNX's operators have: an attribute that an operator lacks says that the file is not what
// it claims to be.
//
// onnx.checker and onnxruntime refuse every such file. Here a file is refused where the attribute would have
// changed the answer: one that the operator has at another opset (the file's opset is wrong, and with it what
// the node means), and one that is nearly the name of one that it has (a slip of the exporter's pen). What no
// opset knows is some tool's remark, and what only training reads has no effect: they are ignored, and said.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/onnx/proto.h"

namespace slipway::onnx {

enum class AttributeFit {
  kKnown,    // also where nothing is known of the operator: other domains, operators that ONNX dropped early
  kIgnored,  // unknown, without effect
  kMisfit,   // unknown, and the answer hangs on it
};

struct AttributeCheck {
  AttributeFit fit = AttributeFit::kKnown;
  std::string reason;  // kMisfit: "opset 13 does not have it (opsets 1 to 12 do)"
};

AttributeCheck CheckAttribute(std::string_view domain, std::string_view op, int64_t opset,
                              std::string_view attribute);

}  // namespace slipway::onnx
