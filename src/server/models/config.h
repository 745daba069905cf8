// ModelConfig: how a model is to be served, as its config.pbtxt says: the part of Triton's ModelConfig that
// Slipway implements, under Triton's names.
//
// Everything may be left out: what a configuration does not say comes from the model. What Slipway does not
// implement (ensembles, sequences, ragged batches, reshaping, GPUs, response cache, other runtimes, warm-up
// with data of a file ...) is refused by name, unless it is set to Triton's own default: a server must not
// run as if it obeyed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/dtype.h"
#include "slipway/status.h"
#include "slipway/tensor.h"

namespace slipway {
struct PortInfo;
}

namespace slipway::server {

struct TensorConfig {
  std::string name;
  DType data_type = DType::kNone;  // kNone: the model's
  Dims dims;                       // without the batch; -1: any extent; empty: the model's
  std::string label_filename;      // of outputs; relative to the model's folder, and within it

  bool operator==(const TensorConfig&) const = default;
};

// What happens to a request that has waited for its timeout.
enum class TimeoutAction { kReject, kDelay };

struct QueuePolicy {
  TimeoutAction timeout_action = TimeoutAction::kReject;
  int64_t default_timeout_microseconds = 0;  // 0: none
  bool allow_timeout_override = false;       // by a request, and only to less
  int64_t max_queue_size = 0;                // requests; 0: no limit

  bool operator==(const QueuePolicy&) const = default;
};

struct DynamicBatching {
  std::vector<int64_t> preferred_batch_size;  // empty: the server's choice
  int64_t max_queue_delay_microseconds = 0;
  QueuePolicy default_queue_policy;
  int64_t priority_levels = 0;         // 0: none; 1 is the highest
  int64_t default_priority_level = 0;  // 1..priority_levels; 0 without levels

  bool operator==(const DynamicBatching&) const = default;
};

enum class InstanceKind { kAuto, kCpu };

struct InstanceGroup {
  std::string name;  // empty: the server's choice
  InstanceKind kind = InstanceKind::kAuto;
  int64_t count = 1;

  bool operator==(const InstanceGroup&) const = default;
};

struct VersionPolicy {
  enum class Kind { kLatest, kAll, kSpecific };
  Kind kind = Kind::kLatest;
  int64_t num_versions = 1;       // of kLatest
  std::vector<int64_t> versions;  // of kSpecific

  bool operator==(const VersionPolicy&) const = default;
};

enum class WarmupFill { kZero, kRandom };

struct WarmupInput {
  DType data_type = DType::kNone;  // kNone: the model's
  Dims dims;                       // without the batch
  WarmupFill fill = WarmupFill::kZero;

  bool operator==(const WarmupInput&) const = default;
};

// A request that is run before the model is served (warmup.h).
struct WarmupSample {
  std::string name;
  int64_t batch_size = 1;
  int64_t count = 1;
  std::map<std::string, WarmupInput> inputs;  // by name; empty: zeros of the model's own shapes

  bool operator==(const WarmupSample&) const = default;
};

struct ModelConfig {
  std::string name;  // empty: the folder's
  // Kept for who reads them: the model's file decides. Empty, or a runtime whose models Slipway reads.
  std::string platform, backend;
  // 0: no batching, dims are whole shapes; > 0: shapes are dims behind a batch of 1 to this; nullopt: not
  // said.
  std::optional<int64_t> max_batch_size;
  std::vector<TensorConfig> input;
  std::vector<TensorConfig> output;
  std::optional<DynamicBatching> dynamic_batching;
  std::vector<InstanceGroup> instance_group;
  VersionPolicy version_policy;
  std::string default_model_filename;  // within the version's folder
  std::vector<WarmupSample> model_warmup;
  std::map<std::string, std::string> parameters;

  int64_t BatchLimit() const { return max_batch_size.value_or(0); }
  bool operator==(const ModelConfig&) const = default;
};

// The text of a config.pbtxt. Errors begin with "<file_name>:<line>:<column>: ". kInvalidModel: the text or a
// value is wrong; kUnsupported: a key that Slipway does not implement.
Result<ModelConfig> ParseModelConfig(std::string_view text, std::string_view file_name);
// The same as JSON, as the "config" of a load request has it: protobuf's JSON form with the names of the text
// form, where enums and integers may be strings. source_name: for errors, which name keys but no lines.
Result<ModelConfig> ParseModelConfigJson(std::string_view text, std::string_view source_name);

// Does the configuration fit the model? Tensors are known by name; inputs are listed all or not at all,
// outputs may be a selection. Types are equal; dims are equal to the model's where that is fixed, and
// anything where it is not. With a batch (BatchLimit() > 0) every shape of the model begins with a dimension
// that is open (or is 1 and so is the limit). Errors are kInvalidModel.
Status CheckAgainst(const ModelConfig& config, const std::vector<PortInfo>& inputs,
                    const std::vector<PortInfo>& outputs);

}  // namespace slipway::server
