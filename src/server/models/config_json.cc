#include "server/models/config_json.h"

#include <algorithm>
#include <string_view>

#include "server/protocol/datatype.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

// A member of an object.
void Put(JsonWriter& json, std::string_view key, const std::vector<int64_t>& values) {
  json.Key(key);
  json.BeginArray();
  for (const int64_t value : values) json.Integer(value);
  json.EndArray();
}

template <class T>
void PutAll(JsonWriter& json, std::string_view key, const std::vector<T>& list,
            void (*put_members)(JsonWriter&, const T&)) {
  json.Key(key);
  json.BeginArray();
  for (const T& item : list) {
    json.BeginObject();
    put_members(json, item);
    json.EndObject();
  }
  json.EndArray();
}

Dims DimsOf(const Type& type, int64_t limit) {
  Dims dims;
  if (!type.HasRank()) return dims;
  for (const Dim& dim : *type.shape) dims.push_back(dim.IsKnown() ? dim.value() : -1);
  if (limit > 0 && !dims.empty()) dims.erase(dims.begin());
  return dims;
}

void FillUp(TensorConfig& tensor, const PortInfo& port, int64_t limit) {
  if (tensor.data_type == DType::kNone) tensor.data_type = port.type.dtype;
  if (tensor.dims.empty()) tensor.dims = DimsOf(port.type, limit);
}

// What the configuration lists, or else everything, with nothing left open that the model knows.
std::vector<TensorConfig> Complete(std::vector<TensorConfig> tensors, const std::vector<PortInfo>& ports,
                                   int64_t limit) {
  if (tensors.empty()) {
    for (const PortInfo& port : ports) tensors.push_back({.name = port.name});
  }
  for (TensorConfig& tensor : tensors) {
    const auto has_name = [&](const PortInfo& port) { return port.name == tensor.name; };
    const auto port = std::find_if(ports.begin(), ports.end(), has_name);
    if (port != ports.end()) FillUp(tensor, *port, limit);
  }
  return tensors;
}

void PutTensor(JsonWriter& json, const TensorConfig& tensor) {
  json.Member("name", tensor.name);
  json.Member("data_type", ConfigTypeOf(tensor.data_type));
  Put(json, "dims", tensor.dims);
  json.Member("is_shape_tensor", false);
}

void PutInput(JsonWriter& json, const TensorConfig& input) {
  PutTensor(json, input);
  json.Member("format", "FORMAT_NONE");
  json.Member("allow_ragged_batch", false);
  json.Member("optional", false);
}

void PutOutput(JsonWriter& json, const TensorConfig& output) {
  PutTensor(json, output);
  json.Member("label_filename", output.label_filename);
}

void PutVersionPolicy(JsonWriter& json, const VersionPolicy& policy) {
  json.Key("version_policy");
  json.BeginObject();
  switch (policy.kind) {
    case VersionPolicy::Kind::kLatest:
      json.Key("latest");
      json.BeginObject();
      json.Member("num_versions", policy.num_versions);
      break;
    case VersionPolicy::Kind::kAll:
      json.Key("all");
      json.BeginObject();
      break;
    case VersionPolicy::Kind::kSpecific:
      json.Key("specific");
      json.BeginObject();
      Put(json, "versions", policy.versions);
      break;
  }
  json.EndObject();
  json.EndObject();
}

void PutQueuePolicy(JsonWriter& json, const QueuePolicy& policy) {
  json.Key("default_queue_policy");
  json.BeginObject();
  json.Member("timeout_action", policy.timeout_action == TimeoutAction::kDelay ? "DELAY" : "REJECT");
  json.Member("default_timeout_microseconds", policy.default_timeout_microseconds);
  json.Member("allow_timeout_override", policy.allow_timeout_override);
  json.Member("max_queue_size", policy.max_queue_size);
  json.EndObject();
}

void PutDynamicBatching(JsonWriter& json, const DynamicBatching& batching) {
  json.Key("dynamic_batching");
  json.BeginObject();
  Put(json, "preferred_batch_size", batching.preferred_batch_size);
  json.Member("max_queue_delay_microseconds", batching.max_queue_delay_microseconds);
  json.Member("preserve_ordering", false);
  json.Member("priority_levels", batching.priority_levels);
  json.Member("default_priority_level", batching.default_priority_level);
  PutQueuePolicy(json, batching.default_queue_policy);
  json.EndObject();
}

void PutInstanceGroup(JsonWriter& json, const InstanceGroup& group) {
  json.Member("name", group.name);
  json.Member("kind", group.kind == InstanceKind::kCpu ? "KIND_CPU" : "KIND_AUTO");
  json.Member("count", group.count);
  Put(json, "gpus", std::vector<int64_t>());
}

void PutWarmup(JsonWriter& json, const WarmupSample& sample) {
  json.Member("name", sample.name);
  json.Member("batch_size", sample.batch_size);
  json.Member("count", sample.count);
  json.Key("inputs");
  json.BeginObject();
  for (const auto& [name, input] : sample.inputs) {
    json.Key(name);
    json.BeginObject();
    json.Member("data_type", ConfigTypeOf(input.data_type));
    Put(json, "dims", input.dims);
    json.Member(input.fill == WarmupFill::kRandom ? "random_data" : "zero_data", true);
    json.EndObject();
  }
  json.EndObject();
}

void PutParameters(JsonWriter& json, const std::map<std::string, std::string>& parameters) {
  json.Key("parameters");
  json.BeginObject();
  for (const auto& [key, value] : parameters) {
    json.Key(key);
    json.BeginObject();
    json.Member("string_value", value);
    json.EndObject();
  }
  json.EndObject();
}

}  // namespace

std::string FormatModelConfig(const ModelConfig& config, const std::vector<PortInfo>& inputs,
                              const std::vector<PortInfo>& outputs) {
  std::string text;
  JsonWriter json(text);
  const int64_t limit = config.BatchLimit();
  json.BeginObject();
  json.Member("name", config.name);
  json.Member("platform", config.platform);
  json.Member("backend", config.backend);
  PutVersionPolicy(json, config.version_policy);
  json.Member("max_batch_size", limit);
  PutAll(json, "input", Complete(config.input, inputs, limit), PutInput);
  PutAll(json, "output", Complete(config.output, outputs, limit), PutOutput);
  if (config.dynamic_batching) PutDynamicBatching(json, *config.dynamic_batching);
  PutAll(json, "instance_group", config.instance_group, PutInstanceGroup);
  json.Member("default_model_filename", config.default_model_filename);
  PutParameters(json, config.parameters);
  PutAll(json, "model_warmup", config.model_warmup, PutWarmup);
  json.EndObject();
  return text;
}

}  // namespace slipway::server
