// libFuzzer entry: the first line as the header that tells the JSON's length, the rest as a request's body;
// what it holds is given back as outputs, in both forms.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/protocol/infer_request.h"
#include "server/protocol/infer_response.h"

namespace {

using namespace slipway;          // NOLINT: the whole program
using namespace slipway::server;  // NOLINT

std::vector<PortInfo> Ports() {
  const Dim n = Dim::Symbol("N");
  return {{"f", Type::Of(DType::kF32, {n, 2}), {}},      {"i", Type::Of(DType::kI8, {n}), {}},
          {"b", Type::OfUnknownShape(DType::kBool), {}}, {"s", Type::Of(DType::kString, {n}), {}},
          {"h", Type::Of(DType::kF16, {n}), {}},         {"any", Type::OfUnknownShape(DType::kNone), {}}};
}

void CheckEncodes(const InferRequest& request) {
  InferReply reply;
  for (const NamedTensor& input : request.inputs) {
    const bool is_text = input.tensor.dtype() == DType::kString;
    reply.outputs.push_back({input.name, input.tensor, true});
    reply.outputs.push_back({input.name, input.tensor, true, is_text ? 0 : 3});
    const bool is_half = input.tensor.dtype() == DType::kF16 || input.tensor.dtype() == DType::kBF16;
    if (!is_half) reply.outputs.push_back({input.name, input.tensor});
  }
  if (EncodeInferResponse(reply).status != 200) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), size);
  const std::string_view header = text.substr(0, line);
  const Body body = Body::Of(text.substr(std::min(line + 1, size)));
  static const std::vector<PortInfo> kPorts = Ports();
  // All ports, and each alone: a request that has but one input right goes far enough, and raw ones need
  // that.
  for (size_t i = 0; i <= kPorts.size(); ++i) {
    const std::span<const PortInfo> all(kPorts);
    const auto ports = i == kPorts.size() ? all : all.subspan(i, 1);
    const auto request = DecodeInferRequest(body, header, ports);
    if (!request.ok()) continue;
    if (request->inputs.size() != ports.size()) __builtin_trap();
    CheckEncodes(*request);
  }
  return 0;
}
