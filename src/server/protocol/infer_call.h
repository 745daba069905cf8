// An inference request and its answer where they are messages, not JSON: as gRPC has them, without gRPC.
//
// What a field means is the same as in JSON (infer_rules.h); elements are bytes, as in the binary tensor
// extension. Left out: outputs whose elements are not raw bytes; Triton answers with none either.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine.h"
#include "server/http/message.h"
#include "server/protocol/infer_request.h"
#include "server/protocol/infer_response.h"

namespace slipway::server {

struct InferCall {
  struct Input {
    std::string name;
    std::string datatype;  // "FP32"
    Dims shape;
    Parameters parameters;
    std::span<const uint8_t> bytes;  // not checked against the shape yet
  };
  struct Output {
    std::string name;
    Parameters parameters;
  };

  std::string model, version, id;  // version: empty for the newest
  Parameters parameters;
  std::vector<Input> inputs;
  std::vector<Output> outputs;        // empty: all
  std::shared_ptr<const void> owner;  // of the inputs' bytes; null: they outlive the answer
  size_t size_bytes = 0;              // of the whole
  // Who asks: headers, address, when it came and whether the answer is still waited for; no method, path, id
  // and body.
  Request caller;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

struct InferAnswer {
  struct Output {
    std::string name;
    std::string_view datatype;
    Dims shape;
    std::string bytes;
  };

  int status = 200;   // as HTTP has it
  std::string error;  // the text, where the status is not 200
  std::string model_name, model_version, id;
  Parameters parameters;
  std::vector<Output> outputs;
};

// Answers once, from any thread.
using InferDone = std::function<void(InferAnswer)>;

// Tensors lie where the call's bytes are, and keep their owner; unaligned ones are copied when they are read.
Result<InferRequest> DecodeInferCall(const InferCall& call, std::span<const PortInfo> ports);
Result<InferAnswer> EncodeInferAnswer(const InferReply& reply);
InferAnswer ErrorAnswer(int http_status, const Status& status);

}  // namespace slipway::server
