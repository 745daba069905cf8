// One case of ONNX's backend test data: a model, inputs, and the outputs that ONNX's reference gave.
#pragma once

#include <string>
#include <vector>

#include "formats/model.h"
#include "ops/run.h"

namespace slipway::conformance {

// One folder test_data_set_<n>.
struct DataSet {
  std::vector<Datum> inputs;
  std::vector<Datum> outputs;
};

struct OnnxCase {
  std::string name;   // "node/test_abs", "light/light_vgg19"
  std::string model;  // path of the .onnx file
  // Folders of the data sets; light models have none: their input is a ramp, their output one file.
  std::vector<std::string> data_sets;
  std::string light_output;
};

// Every case below `data` (the folder onnx/backend/test/data), sorted by name. kNotFound when there are none.
Result<std::vector<OnnxCase>> FindCases(const std::string& data);

// Reads a data set for the model's inputs and outputs (their types say how the files are to be read).
Result<DataSet> ReadDataSet(const std::string& folder, const Graph& graph);
// ramp: element i of n is i / n.
Result<DataSet> LightDataSet(const OnnxCase& light, const Graph& graph);

// As ONNX's own runner compares: same kind, dtype and shape, |got - want| <= atol + rtol * |want|.
struct Closeness {
  double rtol = 1e-3;
  double atol = 1e-7;
};
Status Compare(const Datum& got, const Datum& want, const Closeness& closeness);

}  // namespace slipway::conformance
