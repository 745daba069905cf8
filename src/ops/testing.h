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

struct TestOperand {
  Tensor tensor;  // none: left out
  std::optional<Quant> quant = std::nullopt;
};

// The outputs of `op`, so many as `outputs` has; the status of whatever failed.
inline Result<std::vector<Datum>> RunOperands(const std::string& op, const std::vector<TestOperand>& inputs,
                                              Attrs attrs, const std::vector<std::optional<Quant>>& outputs) {
  Graph graph;
  GraphBuilder builder(graph);
  Node node;
  node.op = op;
  node.name = "node";
  node.attrs = std::move(attrs);
  std::vector<Datum> data;
  for (const TestOperand& input : inputs) {
    if (input.tensor.IsNone()) {
      node.inputs.push_back(kNoValue);
      continue;
    }
    const Type type = Type::Of(input.tensor.dtype(), ToDimList(input.tensor.dims()));
    node.inputs.push_back(builder.Input("input", type, input.quant));
    data.push_back(Datum::Of(input.tensor));
  }
  std::vector<GraphBuilder::Output> declared;
  for (const auto& quant : outputs) declared.push_back({"output", quant, {}, false});
  SLIPWAY_ASSIGN_OR_RETURN(graph.outputs, builder.Add(std::move(node), std::move(declared)));
  return Interpret(graph, data);
}

inline Result<std::vector<Datum>> RunOp(const std::string& op, const std::vector<TestValue>& inputs,
                                        Attrs attrs = {},
                                        const std::vector<std::optional<Quant>>& outputs = {std::nullopt}) {
  std::vector<TestOperand> operands;
  for (const TestValue& input : inputs)
    operands.push_back({input.is_absent ? Tensor() : ToTensor(input), input.quant});
  return RunOperands(op, operands, std::move(attrs), outputs);
}

// On tensors without scales, strings among them; none: left out.
inline Result<std::vector<Datum>> RunOnTensors(const std::string& op, const std::vector<Tensor>& inputs,
                                               Attrs attrs = {}, size_t num_outputs = 1) {
  std::vector<TestOperand> operands;
  for (const Tensor& input : inputs) operands.push_back({input});
  return RunOperands(op, operands, std::move(attrs), std::vector<std::optional<Quant>>(num_outputs));
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
