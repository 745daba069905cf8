#include "server/models/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "server/models/json_fields.h"
#include "server/models/message_reader.h"
#include "server/models/pbtxt.h"
#include "server/protocol/datatype.h"

namespace slipway::server {
namespace {

constexpr IntegerRange kInt32{.low = 0, .high = INT32_MAX};
constexpr IntegerRange kCount{.low = 1, .high = INT32_MAX};
// 31 years: added to any clock, in nanoseconds, it stays within 64 bits.
constexpr IntegerRange kMicroseconds{.low = 0, .high = 1'000'000'000'000'000};
// Every instance is a context with memory of its own, every level a queue.
constexpr IntegerRange kInstances{.low = 1, .high = 1024};
constexpr IntegerRange kLevels{.low = 0, .high = 1024};
constexpr IntegerRange kWarmupRuns{.low = 0, .high = 100'000};
constexpr IntegerRange kExtents{.low = 1};

// Whose models Slipway reads: what is asked of them is what it does.
constexpr std::array<std::string_view, 4> kBackends = {"onnxruntime", "tensorflow", "tflite", "armnn_tflite"};
constexpr std::array<std::string_view, 3> kPlatforms = {"onnxruntime_onnx", "tensorflow_savedmodel",
                                                        "tensorflow_graphdef"};
// What the server itself calls them.
constexpr std::string_view kOwnBackend = "slipway";
constexpr std::string_view kOwnPlatforms = "slipway_";

constexpr std::array<std::string_view, 2> kTimeoutActions = {"REJECT", "DELAY"};
constexpr std::array<std::string_view, 2> kInstanceKinds = {"KIND_AUTO", "KIND_CPU"};

struct NamedTypes {
  std::vector<DType> dtypes;
  std::vector<std::string> names;
  std::vector<std::string_view> views;  // of the names
};

const NamedTypes& Types() {
  static const NamedTypes types = [] {
    NamedTypes all;
    all.dtypes.push_back(DType::kNone);  // TYPE_INVALID
    for (int i = 1; i < kDTypeCount; ++i) {
      const auto dtype = static_cast<DType>(i);
      if (!DatatypeOf(dtype).empty()) all.dtypes.push_back(dtype);
    }
    for (const DType dtype : all.dtypes) all.names.push_back(ConfigTypeOf(dtype));
    all.views.assign(all.names.begin(), all.names.end());
    return all;
  }();
  return types;
}

// What inputs and outputs have in common.
void ReadTensor(MessageReader& reader, TensorConfig& tensor) {
  reader.Read("name", tensor.name);
  if (tensor.name.empty()) reader.Fail("name", "is missing");
  size_t type = 0;
  reader.ReadEnum("data_type", type, Types().views);
  tensor.data_type = Types().dtypes[type];
  reader.ReadList("dims", tensor.dims, {.low = -1});
  if (std::count(tensor.dims.begin(), tensor.dims.end(), 0) > 0) {
    reader.Fail("dims", "has a 0; extents are -1 (any) or at least 1");
  }
  reader.Refuse({"reshape"});
  reader.RefuseUnlessDefault({"is_shape_tensor", "is_non_linear_format_io"});
}

void ReadInput(MessageReader& reader, TensorConfig& input) {
  ReadTensor(reader, input);
  reader.RefuseUnlessDefault({"format", "allow_ragged_batch", "optional"});
}

// Stays within the folder that it is relative to.
bool IsInside(std::string_view path) {
  if (path.starts_with('/') || path.find('\0') != std::string_view::npos) return false;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (path.substr(0, slash) == "..") return false;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return true;
}

void ReadOutput(MessageReader& reader, TensorConfig& output) {
  ReadTensor(reader, output);
  reader.Read("label_filename", output.label_filename);
  if (!IsInside(output.label_filename))
    reader.Fail("label_filename", "'" + output.label_filename + "' leaves the model's folder");
}

void ReadQueuePolicy(MessageReader& reader, QueuePolicy& policy) {
  reader.ReadEnum("timeout_action", policy.timeout_action, kTimeoutActions);
  reader.Read("default_timeout_microseconds", policy.default_timeout_microseconds, kMicroseconds);
  reader.Read("allow_timeout_override", policy.allow_timeout_override);
  reader.Read("max_queue_size", policy.max_queue_size, kInt32);
}

void ReadDynamicBatching(MessageReader& reader, DynamicBatching& batching) {
  reader.ReadList("preferred_batch_size", batching.preferred_batch_size, kCount);
  reader.Read("max_queue_delay_microseconds", batching.max_queue_delay_microseconds, kMicroseconds);
  reader.ReadChild("default_queue_policy",
                   [&](MessageReader& child) { ReadQueuePolicy(child, batching.default_queue_policy); });
  reader.Read("priority_levels", batching.priority_levels, kLevels);
  reader.Read("default_priority_level", batching.default_priority_level, kLevels);
  const int64_t levels = batching.priority_levels;
  const int64_t level = batching.default_priority_level;
  if (level > levels || (level == 0 && levels > 0)) {
    reader.Fail("default_priority_level", "is " + std::to_string(level) + ", 'priority_levels' is " +
                                              std::to_string(levels) + ": one of 1 to 'priority_levels'");
  }
  reader.RefuseUnlessDefault({"preserve_ordering", "priority_queue_policy"});
}

void ReadInstanceGroup(MessageReader& reader, InstanceGroup& group) {
  reader.Read("name", group.name);
  reader.ReadEnum("kind", group.kind, kInstanceKinds);
  reader.Read("count", group.count, kInstances);
  reader.RefuseUnlessDefault(
      {"rate_limiter", "gpus", "secondary_devices", "profile", "passive", "host_policy"});
}

void ReadVersionPolicy(MessageReader& reader, VersionPolicy& policy) {
  using Kind = VersionPolicy::Kind;
  reader.ReadChild("latest",
                   [&](MessageReader& child) { child.Read("num_versions", policy.num_versions, kCount); });
  reader.ReadChild("all", [&](MessageReader&) { policy.kind = Kind::kAll; });
  reader.ReadChild("specific", [&](MessageReader& child) {
    policy.kind = Kind::kSpecific;
    child.ReadList("versions", policy.versions, {.low = 1});
    if (policy.versions.empty()) child.Fail("versions", "names no version");
  });
  const int choices = reader.Has("latest") + reader.Has("all") + reader.Has("specific");
  if (choices > 1) reader.Fail("specific", "is not the only choice: one of latest, all and specific");
}

void ReadWarmupInput(MessageReader& reader, WarmupSample& sample) {
  std::string key;
  WarmupInput input;
  reader.Read("key", key);
  reader.ReadChild("value", [&](MessageReader& child) {
    child.Refuse({"input_data_file"});
    size_t type = 0;
    child.ReadEnum("data_type", type, Types().views);
    input.data_type = Types().dtypes[type];
    child.ReadList("dims", input.dims, kExtents);
    bool is_zero = false, is_random = false;
    child.Read("zero_data", is_zero);
    child.Read("random_data", is_random);
    if (is_zero == is_random) child.Fail("zero_data", "or 'random_data' must be true, and one of them only");
    input.fill = is_random ? WarmupFill::kRandom : WarmupFill::kZero;
  });
  if (!reader.Has("value")) reader.Fail("value", "is missing");
  if (!sample.inputs.emplace(key, input).second) reader.Fail("key", "'" + key + "' is an input already");
}

void ReadWarmup(MessageReader& reader, WarmupSample& sample) {
  reader.Read("name", sample.name);
  reader.Read("batch_size", sample.batch_size, kInt32);
  reader.Read("count", sample.count, kWarmupRuns);
  // To protobuf, 0 is what is not there.
  sample.batch_size = std::max<int64_t>(sample.batch_size, 1);
  sample.count = std::max<int64_t>(sample.count, 1);
  reader.ReadEach("inputs", [&](MessageReader& child) { ReadWarmupInput(child, sample); });
}

void ReadParameter(MessageReader& reader, std::map<std::string, std::string>& parameters) {
  std::string key;
  std::string value;
  reader.Read("key", key);
  reader.ReadChild("value", [&](MessageReader& child) { child.Read("string_value", value); });
  if (!parameters.emplace(key, value).second) reader.Fail("key", "'" + key + "' has a value already");
}

// Each key of a repeated message: a new element, read by `read`.
template <class T>
void ReadAll(MessageReader& reader, std::string_view name, std::vector<T>& list,
             void (*read)(MessageReader&, T&)) {
  reader.ReadEach(name, [&](MessageReader& child) { read(child, list.emplace_back()); });
}

void ReadOptimization(MessageReader& reader) {
  reader.RefuseUnlessDefault({"graph", "priority", "cuda", "execution_accelerators",
                              "gather_kernel_buffer_threshold", "eager_batching"});
  // About copies to a GPU; Triton's answers have them enabled.
  reader.Ignore({"input_pinned_memory", "output_pinned_memory"});
}

void CheckNames(MessageReader& reader, std::string_view key, const std::vector<TensorConfig>& tensors) {
  std::set<std::string_view> names;
  for (const TensorConfig& tensor : tensors) {
    if (!names.insert(tensor.name).second) reader.Fail(key, "has '" + tensor.name + "' twice");
  }
}

// Another runtime would compute something else, or what no file here says.
void CheckRuntime(MessageReader& reader, const ModelConfig& config) {
  const auto has = [](std::span<const std::string_view> names, std::string_view name) {
    return name.empty() || std::ranges::find(names, name) != names.end();
  };
  const std::string why = "models run in Slipway itself, which reads those of ";
  if (!has(kBackends, config.backend) && config.backend != kOwnBackend)
    reader.RefuseValue("backend", fmt::format("{}{}", why, fmt::join(kBackends, ", ")));
  if (!has(kPlatforms, config.platform) && !config.platform.starts_with(kOwnPlatforms))
    reader.RefuseValue("platform", fmt::format("{}{}", why, fmt::join(kPlatforms, ", ")));
}

// What the parts say of one another.
void CheckMeaning(MessageReader& reader, const ModelConfig& config) {
  CheckNames(reader, "input", config.input);
  CheckNames(reader, "output", config.output);
  const std::string& file = config.default_model_filename;
  if (file.find('/') != std::string::npos || !IsInside(file) || file == ".") {
    reader.Fail("default_model_filename", "'" + file + "' must be a file of the version's folder");
  }
  if (!config.max_batch_size) return;
  const std::string limit = ", 'max_batch_size' is " + std::to_string(config.BatchLimit());
  for (const WarmupSample& sample : config.model_warmup) {
    if (sample.batch_size <= std::max<int64_t>(config.BatchLimit(), 1)) continue;
    reader.Fail("model_warmup", "has a batch_size of " + std::to_string(sample.batch_size) + limit);
  }
  if (!config.dynamic_batching) return;
  for (const int64_t size : config.dynamic_batching->preferred_batch_size) {
    if (size <= config.BatchLimit()) continue;
    reader.Fail("dynamic_batching", "has a preferred_batch_size of " + std::to_string(size) + limit);
  }
}

void ReadConfig(MessageReader& reader, ModelConfig& config) {
  reader.Read("name", config.name);
  reader.Read("platform", config.platform);
  reader.Read("backend", config.backend);
  CheckRuntime(reader, config);
  reader.Read("max_batch_size", config.max_batch_size, kInt32);
  ReadAll(reader, "input", config.input, ReadInput);
  ReadAll(reader, "output", config.output, ReadOutput);
  reader.ReadChild("dynamic_batching", [&](MessageReader& child) {
    ReadDynamicBatching(child, config.dynamic_batching.emplace());
  });
  ReadAll(reader, "instance_group", config.instance_group, ReadInstanceGroup);
  reader.ReadChild("version_policy",
                   [&](MessageReader& child) { ReadVersionPolicy(child, config.version_policy); });
  reader.Read("default_model_filename", config.default_model_filename);
  ReadAll(reader, "model_warmup", config.model_warmup, ReadWarmup);
  reader.ReadEach("parameters", [&](MessageReader& child) { ReadParameter(child, config.parameters); });
  reader.ReadChild("optimization", [](MessageReader& child) { ReadOptimization(child); });
  reader.Refuse({"sequence_batching", "ensemble_scheduling"});
  reader.RefuseUnlessDefault({"runtime", "batch_input", "batch_output", "cc_model_filenames", "metric_tags",
                              "model_operations", "model_transaction_policy", "model_repository_agents",
                              "response_cache", "model_metrics"});
  CheckMeaning(reader, config);
}

Result<ModelConfig> FromFields(const pbtxt::Message& fields, std::string_view source_name) {
  MessageReader reader(source_name, fields, "");
  ModelConfig config;
  ReadConfig(reader, config);
  SLIPWAY_RETURN_IF_ERROR(reader.Finish());
  return config;
}

}  // namespace

Result<ModelConfig> ParseModelConfig(std::string_view text, std::string_view file_name) {
  SLIPWAY_ASSIGN_OR_RETURN(const pbtxt::Message fields, pbtxt::Parse(text, file_name));
  return FromFields(fields, file_name);
}

Result<ModelConfig> ParseModelConfigJson(std::string_view text, std::string_view source_name) {
  SLIPWAY_ASSIGN_OR_RETURN(const pbtxt::Message fields, FieldsOfJson(text, source_name));
  return FromFields(fields, source_name);
}

}  // namespace slipway::server
