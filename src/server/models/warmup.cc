#include "server/models/warmup.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/scalar.h"
#include "server/protocol/datatype.h"

namespace slipway::server {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 28;  // of an input: a gigabyte of floats

// Zeros in every input; open extents are 1. rows: the first extent; nullopt: the model's. Empty: an input has
// no rank, or holds strings.
std::vector<Tensor> ZeroInputs(const Engine& engine, std::optional<int64_t> rows) {
  std::vector<Tensor> inputs;
  for (const PortInfo& port : engine.inputs()) {
    if (port.type.kind != TypeKind::kTensor || !port.type.shape || port.type.dtype == DType::kString)
      return {};
    Dims dims = WithUnknownsAsOne(*port.type.shape);
    if (rows && !dims.empty()) dims[0] = *rows;
    inputs.emplace_back(port.type.dtype, dims);
  }
  return inputs;
}

// Floats from 0 to 1; of whole numbers 0 and 1, which any table has that they may be looked up in.
void FillAtRandom(Tensor& tensor) {
  std::mt19937 random(1);
  if (tensor.dtype() == DType::kString) {
    for (std::string& text : tensor.values<std::string>()) text = std::to_string(random());
    return;
  }
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = std::uniform_real_distribution<double>(0, 1)(random);
    StoreReal(tensor.dtype(), tensor.data(), i, IsFloat(tensor.dtype()) ? value : std::round(value));
  }
}

Result<Tensor> MakeInput(const WarmupInput& input, const PortInfo& port, std::optional<int64_t> rows) {
  const std::string name = "input '" + port.name + "'";
  if (port.type.kind != TypeKind::kTensor)
    return Status(Code::kInvalidModel, name + " is " + ToString(port.type) + ", which no sample can be");
  if (input.data_type != DType::kNone && input.data_type != port.type.dtype) {
    return Status(Code::kInvalidModel, name + " is " + ConfigTypeOf(input.data_type) + ", the model's is " +
                                           ConfigTypeOf(port.type.dtype));
  }
  Dims dims = input.dims;
  if (rows) dims.insert(dims.begin(), *rows);
  const auto count = ElementCount(dims);
  if (!count.ok() || *count > kMostElements) {
    return Status(Code::kInvalidModel, name + " has the shape " + ToString(dims) + ", the limit is " +
                                           std::to_string(kMostElements) + " elements");
  }
  Tensor tensor(port.type.dtype, std::move(dims));
  if (input.fill == WarmupFill::kRandom) FillAtRandom(tensor);
  return tensor;
}

// In the order of the model's inputs.
Result<std::vector<Tensor>> MakeInputs(const WarmupSample& sample, const Engine& engine,
                                       std::optional<int64_t> rows) {
  std::vector<Tensor> inputs;
  std::string known;
  for (const PortInfo& port : engine.inputs()) {
    known += (known.empty() ? "'" : ", '") + port.name + "'";
    const auto given = sample.inputs.find(port.name);
    if (given == sample.inputs.end()) continue;
    SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, MakeInput(given->second, port, rows));
    inputs.push_back(std::move(tensor));
  }
  if (inputs.size() == engine.inputs().size() && inputs.size() == sample.inputs.size()) return inputs;
  std::string names;
  for (const auto& [name, input] : sample.inputs) names += (names.empty() ? "'" : ", '") + name + "'";
  return Status(Code::kInvalidModel, "it has the inputs " + names + ", the model has " + known);
}

Status RunSample(const WarmupSample& sample, const Engine& engine, Context& context,
                 std::optional<int64_t> rows) {
  std::vector<Tensor> inputs;
  if (sample.inputs.empty()) {
    inputs = ZeroInputs(engine, rows);
    if (inputs.empty() && !engine.inputs().empty())
      return Status(Code::kInvalidModel, "the shapes of the model's inputs are not known: name inputs in it");
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(inputs, MakeInputs(sample, engine, rows));
  }
  for (int64_t i = 0; i < sample.count; ++i) {
    context.ResetStates();
    const auto outputs = context.Run(inputs);
    if (!outputs.ok()) return outputs.status();
  }
  context.ResetStates();
  return Status::Ok();
}

}  // namespace

Status RunWarmup(const ModelConfig& config, const Engine& engine, Context& context) {
  const int64_t limit = config.BatchLimit();
  for (size_t i = 0; i < config.model_warmup.size(); ++i) {
    const WarmupSample& sample = config.model_warmup[i];
    const std::string what = "model_warmup[" + std::to_string(i) + "]" +
                             (sample.name.empty() ? std::string() : " '" + sample.name + "'");
    if (sample.batch_size > std::max<int64_t>(limit, 1)) {
      return Status(Code::kInvalidModel, what + ": batch_size is " + std::to_string(sample.batch_size) +
                                             ", the model's limit is " + std::to_string(limit));
    }
    const std::optional<int64_t> rows = limit > 0 ? std::optional(sample.batch_size) : std::nullopt;
    const Status status = RunSample(sample, engine, context, rows);
    if (!status.ok()) return status.WithContext(what);
  }
  return Status::Ok();
}

void RunOnZeros(const Engine& engine, Context& context) {
  const std::vector<Tensor> zeros = ZeroInputs(engine, std::nullopt);
  if (!zeros.empty()) (void)context.Run(zeros).ok();
}

}  // namespace slipway::server
