#include "formats/tflite/resources.h"

#include <algorithm>
#include <iterator>

namespace slipway::tflite {

bool IsResourceOperator(const std::string& op) {
  constexpr std::string_view kOperators[] = {"ASSIGN_VARIABLE", "CALL_ONCE",        "HASHTABLE",
                                             "HASHTABLE_FIND",  "HASHTABLE_IMPORT", "HASHTABLE_SIZE",
                                             "READ_VARIABLE",   "VAR_HANDLE"};
  return std::find(std::begin(kOperators), std::end(kOperators), op) != std::end(kOperators);
}

std::string HandleOf(const std::string& op, const Attrs& options) {
  if (op == "HASHTABLE") return "table " + std::to_string(options.Int("table_id"));
  return "variable '" + options.String("container") + "/" + options.String("shared_name") + "'";
}

}  // namespace slipway::tflite
