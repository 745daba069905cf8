// Answers to inference requests, in the Open Inference Protocol v2 over HTTP with the binary tensor and
// classification extensions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/http/message.h"
#include "slipway/status.h"
#include "slipway/tensor.h"

namespace slipway::server {

struct ReplyOutput {
  std::string name;
  Tensor tensor;
  bool is_binary = false;
  int classes = 0;                      // so many of the best as text; 0: the tensor itself
  std::span<const std::string> labels;  // of the classes, by their index; empty: none
};

using ParameterValue = std::variant<bool, int64_t, double, std::string>;
using Parameters = std::vector<std::pair<std::string, ParameterValue>>;

struct InferReply {
  std::string model_name;
  std::string model_version;
  std::string id;  // empty: left out
  Parameters parameters;
  std::vector<ReplyOutput> outputs;
};

// What is sent of an output: its tensor, or its best classes. An error: the protocol has no datatype for it.
Result<Tensor> TensorToSend(const ReplyOutput& output);

// Binary outputs stand behind the JSON, whose length is then in the header of kInferenceHeaderLength. Strings
// that are no UTF-8 are mended in JSON, and kept in binary. What has no form (FP16 and BF16 in JSON; dtypes
// that the protocol has no name for) makes the response an error that names the output.
Response EncodeInferResponse(const InferReply& reply);

}  // namespace slipway::server
