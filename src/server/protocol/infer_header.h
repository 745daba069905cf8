// The JSON of an inference request, read but not yet compared with a model: what DecodeInferRequest starts
// from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/protocol/infer_request.h"

namespace slipway::server {

// An entry of "inputs". Its elements are in `data` or behind the JSON.
struct InputHeader {
  std::string name;
  std::string datatype;
  std::optional<Dims> shape;
  std::string_view data;  // the array as text, where it lies; empty: none
  std::optional<uint64_t> binary_size;
};

struct InferHeader {
  InferRequest request;  // all but its inputs
  std::vector<InputHeader> inputs;
};

// json: followed by Body::kPadding readable bytes, and outliving the result. What is not known, or null, is
// passed over. Refuses more than max_inputs inputs: memory stays within a small multiple of the text.
Result<InferHeader> ReadInferHeader(std::string_view json, size_t max_inputs);

}  // namespace slipway::server
