// For tests: runs one operator by its reference.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/scalar.h"
#include "ops/builder.h"
#include "ops/run.h"

namespace slipway {

struct TestValue {
  DType dtype = DType::kF32;
  Dims dims;
  std::vector<double> values;
  std::optional<Quant> quant = std::nullopt;
  bool is_absent = false;
};

inline Tensor ToTensor(const TestValue& value) {
  Tensor tensor(value.dtype, value.dims);
  for (size_t i = 0; i < value.values.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    if (IsInteger(value.dtype)) {
      StoreInt(value.dtype, tensor.data(), at, static_cast<int64_t>(value.values[i]));
    } else {
      StoreReal(value.dtype, tensor.data(), at, value.values[i]);
    }
  }
  return tensor;
}

// The outputs of `op`; the status of whatever failed.
inline Result<std::vector<Datum>> RunOp(const std::string& op, const std::vector<TestValue>& inputs,
                                        Attrs attrs = {},
                                        const std::vector<std::optional<Quant>>& outputs = {std::nullopt}) {
  Graph graph;
  GraphBuilder builder(graph);
  Node node;
  node.op = op;
  node.name = "node";
  node.attrs = std::move(attrs);
  std::vector<Datum> data;
  for (const TestValue& input : inputs) {
    if (input.is_absent) {
      node.inputs.push_back(kNoValue);
      continue;
    }
    node.inputs.push_back(builder.Input("input", Type::Of(input.dtype, ToDimList(input.dims)), input.quant));
    data.push_back(Datum::Of(ToTensor(input)));
  }
  std::vector<GraphBuilder::Output> declared;
  for (const auto& quant : outputs) declared.push_back({"output", quant, {}, false});
  SLIPWAY_ASSIGN_OR_RETURN(graph.outputs, builder.Add(std::move(node), std::move(declared)));
  return Interpret(graph, data);
}

// One line: "f32[2]: 1 2".
inline std::string Show(const Tensor& tensor) {
  std::string text = Describe(tensor) + ":";
  for (int64_t i = 0; i < tensor.count(); ++i) {
    char number[32];
    std::snprintf(number, sizeof(number), " %.6g", LoadReal(tensor.dtype(), tensor.data(), i));
    text += number;
  }
  return text;
}

// The first output as one line, or the error.
inline std::string RunAndShow(const std::string& op, const std::vector<TestValue>& inputs, Attrs attrs = {},
                              const std::vector<std::optional<Quant>>& outputs = {std::nullopt}) {
  auto result = RunOp(op, inputs, std::move(attrs), outputs);
  return result.ok() ? Show((*result)[0].tensor) : result.status().message();
}

}  // namespace slipway
