// Options of operators that TensorFlow's own kernels run in TFLite files ("Flex"): a FlexBuffers list of the
// operator's name and its serialised NodeDef.
#pragma once

#include <string_view>

#include "ir/attrs.h"

namespace slipway::tflite {

// The NodeDef's attributes: strings, numbers, booleans as 0 or 1, element types, and lists of these; others
// (shapes, tensors, functions) and placeholders are left out. Empty where the bytes are no NodeDef.
Attrs DecodeNodeDef(std::string_view node_def);

}  // namespace slipway::tflite
