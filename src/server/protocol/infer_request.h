// Inference requests of the Open Inference Protocol v2 over HTTP, with Triton's binary tensor and
// classification extensions, into tensors.
//
// Bodies are hostile: everything is checked against the bytes that are there and against the model's ports
// before memory is taken for it. Left out: sequences and shared memory (refused), parameters of no meaning
// here (passed over), and the undoing of Content-Encoding (the body's bytes are the decoded ones). Source:
// kserve/open-inference-protocol; Triton's docs/protocol/extension_*.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine.h"
#include "server/http/message.h"
#include "slipway/tensor.h"

namespace slipway::server {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct RequestedOutput {
  std::string name;
  bool is_binary = false;
  int classes = 0;  // so many of the best as text; 0: the tensor itself
};

struct InferRequest {
  std::string id;                        // to be echoed; empty: none
  std::vector<NamedTensor> inputs;       // one for every port, in the ports' order
  std::vector<RequestedOutput> outputs;  // with names that differ; empty: all that the model has
  bool is_binary_default = false;        // for all outputs, where `outputs` is empty
  uint64_t priority = 0;                 // 0: the model's default; else 1 is the highest
  std::chrono::microseconds timeout{0};  // 0: none; at most a year
};

// inference_header_content_length: the header of kInferenceHeaderLength; empty where the request has none,
// and all of the body is JSON; "0": all of the body is the only input's elements, the shape is its port's
// with a first dimension of 1 where that is not fixed, and outputs are binary. Of strings (BYTES) there must
// be one then, and the body is its text. Tensors of binary inputs lie in the body, and keep it.
Result<InferRequest> DecodeInferRequest(const Body& body, std::string_view inference_header_content_length,
                                        std::span<const PortInfo> ports);

}  // namespace slipway::server
