// One sub-graph of a TFLite file to a Graph.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/model.h"
#include "formats/support.h"
#include "formats/tflite/model_file.h"
#include "formats/tflite/resources.h"
#include "ops/import.h"

namespace slipway::tflite {

// Where a graph begins and ends, as tensor indices; shapes that the user gives by tensor.
struct Cut {
  std::vector<int> inputs;
  std::vector<int> outputs;
  std::map<int, DimList> shapes;
  bool is_partial = false;  // operators that no output needs are left out
};

// Where a sub-graph stands: the model's own, which keeps state from run to run; in control flow; or run once,
// when the model is read.
enum class GraphPlace { kMain, kNested, kOnce };

// What all sub-graphs of one import share. Sub-graphs are imported once however often they are called.
class SubGraphImporter {
 public:
  SubGraphImporter(const TfliteFile& file, UnsupportedNodes& unsupported, std::vector<std::string>& notes)
      : file_(file), unsupported_(unsupported), notes_(notes) {}

  // Operators that no record reads are kept for a plugin, see ImportOptions.
  void KeepUnknown() { keeps_unknown_ = true; }
  bool keeps_unknown() const { return keeps_unknown_; }

  // The sub-graph's own inputs and outputs. Errors: tensor indices out of range.
  Result<Cut> WholeOf(uint32_t index) const;
  Result<Graph> Import(uint32_t index, const Cut& cut, GraphPlace place = GraphPlace::kMain);
  // The same as a whole, for control flow; refused when it calls itself.
  Result<GraphRef> ImportNested(int64_t index);
  // Reads a sub-graph that fills variables and tables.
  Status RunOnce(int64_t index);

  Resources& resources() { return resources_; }

  const TfliteFile& file() const { return file_; }
  UnsupportedNodes& unsupported() { return unsupported_; }
  std::vector<std::string>& notes() { return notes_; }

 private:
  // The sub-graph as a whole; refused when it is open already.
  Result<Cut> Open(int64_t index) const;

  const TfliteFile& file_;
  UnsupportedNodes& unsupported_;
  std::vector<std::string>& notes_;
  bool keeps_unknown_ = false;
  std::map<int64_t, GraphRef> nested_;
  Resources resources_;
  std::vector<int64_t> open_;  // sub-graphs being imported, outermost first
};

}  // namespace slipway::tflite
