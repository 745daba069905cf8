// Networks as the C interface shows them (slipway/runtime.h).
#include "library/network.h"

#include <algorithm>
#include <cstring>

#include "api/tuned.h"
#include "base/c_views.h"
#include "base/file.h"
#include "library/failures.h"
#include "plan/layout.h"
#include "plan/parts.h"

namespace slipway {
namespace {

Result<EngineOptions> OptionsFor(const slipway_runtime_options* given) {
  EngineOptions engine;
  engine.is_backend_required = true;  // there is no other
  slipway_runtime_options options{};
  if (given == nullptr) return engine;
  if (given->size < sizeof(uint32_t)) return Status(Code::kUsage, "slipway_runtime_options has no size");
  std::memcpy(&options, given, std::min<size_t>(given->size, sizeof(options)));
  engine.num_threads = options.num_threads;
  engine.accuracy = options.is_strict != 0 ? Accuracy::kStrict : Accuracy::kDefault;
  engine.precision = options.allows_bf16 != 0 ? Precision::kBf16 : Precision::kF32;
  return engine;
}

std::vector<NetworkPort> PortsOfEngine(const std::vector<PortInfo>& infos) {
  std::vector<NetworkPort> ports;
  for (const PortInfo& info : infos) {
    NetworkPort& port = ports.emplace_back(NetworkPort{&info, {}, {}});
    if (info.type.HasRank()) {
      for (const Dim& dim : *info.type.shape) port.dims.push_back(dim.IsKnown() ? dim.value() : -1);
    }
    if (info.quant) port.quant = ViewQuant(*info.quant);
  }
  return ports;
}

// `name`: of the file, for messages.
Result<std::unique_ptr<slipway_runtime_network>> MakeNetwork(std::span<const uint8_t> bytes,
                                                             std::shared_ptr<const void> owner,
                                                             const std::string& name,
                                                             const slipway_runtime_options* options) {
  SLIPWAY_ASSIGN_OR_RETURN(EngineOptions engine, OptionsFor(options));
  SlipReadOptions read;
  SLIPWAY_ASSIGN_OR_RETURN(read.target, TargetOf(engine));
  SLIPWAY_ASSIGN_OR_RETURN(SlipParts parts, ParseSlipParts(bytes, std::move(owner), read));
  auto network = std::make_unique<slipway_runtime_network>();
  std::string note;
  SLIPWAY_RETURN_IF_ERROR(UseTunedSection(parts.model, name, engine, note));
  if (!note.empty()) network->notes.push_back(std::move(note));
  engine.ranges = std::move(parts.model.ranges);
  SLIPWAY_ASSIGN_OR_RETURN(network->engine, Engine::Create(std::move(parts.model.graph), engine));
  for (const std::string& each : network->engine->notes()) network->notes.push_back(each);
  network->inputs = PortsOfEngine(network->engine->inputs());
  network->outputs = PortsOfEngine(network->engine->outputs());
  network->manifest = std::move(parts.manifest);
  return network;
}

Result<std::unique_ptr<slipway_runtime_network>> LoadNetwork(const std::string& path,
                                                             const slipway_runtime_options* options) {
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  auto network = MakeNetwork(file.bytes(), file.owner(), path, options);
  if (!network.ok()) return network.status().WithContext("'" + path + "'");
  return network;
}

Result<std::unique_ptr<slipway_runtime_network>> ParseNetwork(slipway_bytes file,
                                                              const slipway_runtime_options* options) {
  const auto* data = static_cast<const uint8_t*>(file.data);
  const auto size = static_cast<size_t>(file.size);
  // Packed constants lie on such addresses of the file. Without an owner there is a copy that does.
  const bool is_aligned = reinterpret_cast<uintptr_t>(data) % kSlipAlignment == 0;
  const std::shared_ptr<const void> caller(data, [](const void*) {});
  return MakeNetwork({data, size}, is_aligned ? caller : nullptr, "model.slip", options);
}

slipway_runtime_port ViewPort(const NetworkPort& port) {
  const Type& type = port.info->type;
  return {port.info->name.c_str(), static_cast<uint32_t>(type.dtype),
          type.HasRank() ? static_cast<int64_t>(port.dims.size()) : -1, port.dims.data(),
          port.info->quant ? &port.quant : nullptr};
}

}  // namespace
}  // namespace slipway

using namespace slipway;

int32_t slipway_runtime_load(const char* path, const slipway_runtime_options* options,
                             slipway_runtime_network** network) {
  return Give(network, [&] { return LoadNetwork(path, options); });
}

int32_t slipway_runtime_parse(slipway_bytes file, const slipway_runtime_options* options,
                              slipway_runtime_network** network) {
  return Give(network, [&] { return ParseNetwork(file, options); });
}

void slipway_runtime_free_network(slipway_runtime_network* network) { delete network; }

uint64_t slipway_runtime_num_inputs(const slipway_runtime_network* network) { return network->inputs.size(); }
uint64_t slipway_runtime_num_outputs(const slipway_runtime_network* network) {
  return network->outputs.size();
}
slipway_runtime_port slipway_runtime_input(const slipway_runtime_network* network, uint64_t index) {
  return ViewPort(network->inputs[index]);
}
slipway_runtime_port slipway_runtime_output(const slipway_runtime_network* network, uint64_t index) {
  return ViewPort(network->outputs[index]);
}

slipway_bytes slipway_runtime_manifest(const slipway_runtime_network* network) {
  return {network->manifest.data(), network->manifest.size()};
}
uint64_t slipway_runtime_num_notes(const slipway_runtime_network* network) { return network->notes.size(); }
const char* slipway_runtime_note(const slipway_runtime_network* network, uint64_t index) {
  return network->notes[index].c_str();
}
