// Variables and hash tables of a TFLite file: what handles stand for, and what they hold when a model starts.
//
// TFLite makes them by operators (VAR_HANDLE, HASHTABLE) and fills them in a sub-graph that is run once
// (CALL_ONCE). Here that sub-graph is read when the model is: what it assigns must be constant.
#pragma once

#include <map>
#include <string>

#include "formats/tflite/model_file.h"
#include "ops/import.h"

namespace slipway::tflite {

struct HashTable {
  Tensor keys, values;  // [n] each
};

// A file holds no content for a variable, so its size says nothing: all of a model's together have at most 1
// GiB.
inline constexpr int64_t kMaxVariableBytes = int64_t{1} << 30;

// By the handle's key.
struct Resources {
  int64_t variable_bytes = 0;               // of the variables that are tensors
  std::map<std::string, Tensor> variables;  // what they start from
  std::map<std::string, HashTable> tables;
};

// An operator on handles, which are no values.
bool IsResourceOperator(const std::string& op);
// "variable <container>/<name>" or "table <id>", of an operator that makes a handle.
std::string HandleOf(const std::string& op, const Attrs& options);

}  // namespace slipway::tflite
