// For tests: nets of a few layers, run by the operators' references.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/caffe/import.h"
#include "ops/run.h"

namespace slipway::caffe {

using Values = std::vector<float>;

inline Tensor Floats(Dims dims, const Values& values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

// The net's first output for x, which is its input "x"; `text` the layers.
struct Answer {
  Dims dims;
  Values values;
  std::string error;
};
inline Answer RunNet(const std::string& text, const Tensor& x, const Weights& weights = {}) {
  std::string net_text = "input: 'x' input_shape {";
  for (int64_t dim : x.dims()) net_text += " dim: " + std::to_string(dim);
  const auto net = ReadNet(net_text + " }\n" + text);
  if (!net.ok()) return {{}, {}, net.status().message()};
  const auto model = ImportNet(*net, weights, {});
  if (!model.ok()) return {{}, {}, model.status().message()};
  const std::vector<Datum> inputs = {Datum::Of(x)};
  const auto outputs = Interpret(model->graph, inputs);
  if (!outputs.ok()) return {{}, {}, outputs.status().message()};
  const Tensor& y = (*outputs)[0].tensor;
  return {y.dims(), Values(y.as<float>(), y.as<float>() + y.count()), ""};
}

inline std::string LayerText(const std::string& type, const std::string& more) {
  return "layer { name: 'l' type: '" + type + "' bottom: 'x' top: 'y' " + more + " }";
}

inline void ExpectValues(const Answer& answer, const Dims& dims, const Values& values) {
  ASSERT_EQ(answer.error, "");
  EXPECT_EQ(answer.dims, dims);
  EXPECT_THAT(answer.values, testing::Pointwise(testing::FloatNear(1e-5F), values));
}

}  // namespace slipway::caffe
