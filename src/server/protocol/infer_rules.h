// What holds for every inference request, in whichever form it came: limits, what is refused, and how inputs
// must suit the model's ports.
//
// Messages name an input only where the caller can't: the rest is said in the context "input 'x': ...".
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine.h"
#include "server/protocol/error.h"
#include "server/protocol/infer_request.h"

namespace slipway::server {

inline constexpr size_t kMaxRank = 32;
inline constexpr size_t kMaxOutputs = 4096;

// path: of the parameter, "inputs[2].parameters".
Status NoSharedMemory(const std::string& path);
Status NoSequences();
Status TooManyOutputs();
Status CheckOutputsDiffer(const std::vector<RequestedOutput>& outputs);
// Cut where it is longer than anyone waits, which is far from where clocks overflow.
std::chrono::microseconds TimeoutOf(uint64_t microseconds);
// The parameter classification, cut to what there may be.
int ClassesOf(uint64_t classes);

// Has every port a form in the protocol?
Status CheckPorts(std::span<const PortInfo> ports);
// "FP32[N,3,224,224]"
std::string DescribePort(const PortInfo& port);
// datatype: "FP32".
Result<DType> DTypeFor(std::string_view datatype, const PortInfo& port);
Status CheckShape(const Dims& shape, const PortInfo& port);
Status MissingInput(const PortInfo& port);

// Every input's tensor in its port's place: one for each, none twice and none that the model has not.
// Inputs have a `name`; read(input, port) -> Result<Tensor>.
template <class Inputs, class Read>
Result<std::vector<NamedTensor>> PlaceInputs(const Inputs& inputs, std::span<const PortInfo> ports,
                                             Read read) {
  std::vector<NamedTensor> placed(ports.size());
  for (const auto& input : inputs) {
    const std::string what = "input " + Quoted(input.name);
    const auto port = std::ranges::find(ports, input.name, &PortInfo::name);
    if (port == ports.end()) return Status(Code::kInvalidInput, "the model has no " + what);
    NamedTensor& slot = placed[static_cast<size_t>(port - ports.begin())];
    if (!slot.name.empty()) return Status(Code::kInvalidInput, what + " is given twice");
    auto tensor = read(input, *port);
    if (!tensor.ok()) return tensor.status().WithContext(what);
    slot = {input.name, *std::move(tensor)};
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    if (placed[i].name.empty()) return MissingInput(ports[i]);
  }
  return placed;
}

}  // namespace slipway::server
