// onnxruntime as an oracle, in a process of its own that answers batch after batch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph_generator.h"
#include "slipway/status.h"

namespace slipway::fuzz {

// Writes the graph as ONNX and its inputs to a new folder: model.onnx, input_N.pb. An error where ONNX lacks
// an operator, or an input or output is no tensor.
Status WriteSample(const Sample& sample, const std::string& folder);

class Oracle {
 public:
  // command: a program and its arguments, by blanks. It reads a line, the path of a folder, and for every
  // folder in there that holds a model.onnx writes want_N.pb for each output, or error.txt; then it answers
  // with a line. See tests/oracles/graph_fuzz.py.
  static Result<std::unique_ptr<Oracle>> Start(const std::string& command);
  ~Oracle();

  // One result per sample, in order. kUnsupported: the sample cannot be asked for. kInvalidInput: the oracle
  // refuses it, with its reason, or dies of it: it is started anew, and the samples are asked for one by one.
  Result<std::vector<Result<std::vector<Datum>>>> Ask(const std::vector<const Sample*>& samples);

 private:
  explicit Oracle(std::string command) : command_(std::move(command)) {}
  Status Launch();
  void End();
  // False: it ended without an answer.
  bool AskAbout(const std::string& folder);

  std::string command_;
  int to_ = -1;
  int from_ = -1;
  int pid_ = -1;
};

}  // namespace slipway::fuzz
