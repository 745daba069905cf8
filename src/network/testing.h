// What the tests of the builder share: small tensors, and a network run by the interpreter.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "ops/run.h"
#include "slipway/network_builder.h"

namespace slipway {

inline Tensor F32(Dims dims, std::vector<float> values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

// 0, 1, 2 ...
inline Tensor Iota(Dims dims) {
  Tensor tensor(DType::kF32, std::move(dims));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.as<float>()[i] = static_cast<float>(i);
  return tensor;
}

// The network's outputs by the interpreter; a failure of the test and no outputs after a mistake.
inline std::vector<Tensor> Outputs(NetworkBuilder& net, const std::vector<Tensor>& inputs) {
  const auto graph = net.Finish();
  if (!graph.ok()) {
    ADD_FAILURE() << graph.status().ToString();
    return {};
  }
  std::vector<Datum> data;
  for (const Tensor& input : inputs) data.push_back(Datum::Of(input));
  const auto results = Interpret(**graph, data);
  if (!results.ok()) {
    ADD_FAILURE() << results.status().ToString();
    return {};
  }
  std::vector<Tensor> outputs;
  for (const Datum& result : *results) outputs.push_back(result.tensor);
  return outputs;
}

// `layer` of one input, run on `x`.
template <class Layer>
Tensor Apply(const Tensor& x, Layer layer) {
  NetworkBuilder net("test");
  Dims dims = x.dims();
  net.MarkOutput(layer(net, net.Input("x", x.dtype(), {dims.begin(), dims.end()})), "y");
  const std::vector<Tensor> outputs = Outputs(net, {x});
  return outputs.empty() ? Tensor(DType::kF32, {0}) : outputs[0];
}

inline std::vector<float> ValuesOf(const Tensor& tensor) {
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

}  // namespace slipway
