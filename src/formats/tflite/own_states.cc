#include "formats/tflite/own_states.h"

#include <algorithm>

#include "formats/tflite/resources.h"

namespace slipway::tflite {
namespace {

using States = Result<std::vector<OwnState>>;

struct Request {
  const ForeignNode& node;
  const GraphBuilder& builder;
  int64_t& bytes;  // of all states so far
};
using MakeFn = States (*)(const Request& request);

Status Invalid(const ForeignNode& node, const std::string& message) {
  return Status(Code::kInvalidModel, node.op + " '" + node.name + "' " + message,
                "the file is damaged: download or export it again");
}

// Of the only operand, which must be known.
Result<Dims> OperandDims(const Request& request, size_t least_rank) {
  const auto& [node, builder, bytes] = request;
  if (node.inputs.size() != 1 || node.inputs[0] == kNoValue) return Invalid(node, "needs one operand");
  const Type& type = builder.type(node.inputs[0]);
  if (!type.IsStatic())
    return Status(Code::kUnsupported,
                  node.op + " '" + node.name + "' keeps part of its operand from run to run, and that is " +
                      ToString(type),
                  "fix the shape of the model's input: --input 'NAME[extents]'");
  Dims dims = KnownDims(*type.shape);
  if (dims.size() < least_rank) return Invalid(node, "reads a tensor of rank " + std::to_string(dims.size()));
  return dims;
}

Result<int64_t> Attribute(const ForeignNode& node, const char* name, int64_t low) {
  const int64_t value = node.attrs.Int(name);
  if (value >= low && value <= kMaxVariableBytes) return value;
  return Invalid(node, "has " + std::string(name) + " " + std::to_string(value) + "; " + std::to_string(low) +
                           " is the least");
}

Result<OwnState> Zeros(const Request& request, std::string name, DType dtype, Dims dims) {
  const int64_t left = kMaxVariableBytes - request.bytes;
  int64_t count = 1;
  for (int64_t extent : dims) {
    if (extent < 0 || (extent > 0 && count > left / extent))
      return Invalid(request.node, "keeps " + std::to_string(count) + " times " + std::to_string(extent) +
                                       " numbers from run to run; all variables together may take " +
                                       std::to_string(kMaxVariableBytes) + " bytes");
    count *= extent;
  }
  request.bytes += BytesOf(dtype, count);
  return OwnState{std::move(name), Tensor(dtype, std::move(dims)), std::nullopt};
}

OwnState Number(std::string name, int32_t value) {
  Tensor start(DType::kI32, Dims());
  start.as<int32_t>()[0] = value;
  return {std::move(name), std::move(start), std::nullopt};
}

States OfSubtraction(const Request& request) {
  SLIPWAY_ASSIGN_OR_RETURN(Dims dims, OperandDims(request, 1));
  if (request.node.outputs.size() != 2) return Invalid(request.node, "needs two results");
  SLIPWAY_ASSIGN_OR_RETURN(OwnState noise, Zeros(request, "noise", DType::kU32, std::move(dims)));
  noise.result = 1;
  return std::vector<OwnState>{std::move(noise)};
}

States OfDelay(const Request& request) {
  SLIPWAY_ASSIGN_OR_RETURN(Dims dims, OperandDims(request, 1));
  SLIPWAY_ASSIGN_OR_RETURN(dims.back(), Attribute(request.node, "delay_length", 0));
  SLIPWAY_ASSIGN_OR_RETURN(OwnState past, Zeros(request, "past", DType::kI16, std::move(dims)));
  return std::vector<OwnState>{std::move(past)};
}

// Samples of whole steps, as many as a frame lacks when a step comes.
States OfFramer(const Request& request) {
  SLIPWAY_ASSIGN_OR_RETURN(Dims dims, OperandDims(request, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t size, Attribute(request.node, "frame_size", 1));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t step, Attribute(request.node, "frame_step", 1));
  const bool is_prefilled = request.node.attrs.Int("prefill") != 0;
  if (is_prefilled && step > size) return Invalid(request.node, "is filled with a negative number of zeros");
  dims.back() = is_prefilled ? size - step : (size - 1) / step * step;
  const auto held = static_cast<int32_t>(is_prefilled ? dims.back() : 0);
  SLIPWAY_ASSIGN_OR_RETURN(OwnState past, Zeros(request, "past", DType::kI16, std::move(dims)));
  return std::vector<OwnState>{std::move(past), Number("held", held)};
}

States OfOverlapAdd(const Request& request) {
  SLIPWAY_ASSIGN_OR_RETURN(Dims dims, OperandDims(request, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t step, Attribute(request.node, "frame_step", 1));
  const int64_t size = dims.back();
  if (step > size) return Invalid(request.node, "steps over more than a frame");
  dims.pop_back();
  dims.back() = size - step;
  const DType dtype = request.builder.type(request.node.inputs[0]).dtype;
  SLIPWAY_ASSIGN_OR_RETURN(OwnState rest, Zeros(request, "rest", dtype, std::move(dims)));
  return std::vector<OwnState>{std::move(rest)};
}

States OfStacker(const Request& request) {
  SLIPWAY_RETURN_IF_ERROR(OperandDims(request, 1).status());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, Attribute(request.node, "num_channels", 1));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t left, Attribute(request.node, "stacker_left_context", 0));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t right, Attribute(request.node, "stacker_right_context", 0));
  SLIPWAY_ASSIGN_OR_RETURN(OwnState past, Zeros(request, "past", DType::kI16, {left + right, channels}));
  constexpr int32_t kNothingYet = -1;
  return std::vector<OwnState>{std::move(past), Number("held", kNothingYet)};
}

// A key, a counter; without seeds every run differs. LiteRT keeps the lower 32 bits of a seed, signed.
States OfRandom(const Request& request) {
  const int64_t seed = static_cast<int32_t>(request.node.attrs.Int("seed"));
  const int64_t seed2 = static_cast<int32_t>(request.node.attrs.Int("seed2"));
  if (seed == 0 && seed2 == 0) return std::vector<OwnState>();
  Tensor start(DType::kU64, {3});
  start.as<uint64_t>()[0] = static_cast<uint64_t>(seed);
  start.as<uint64_t>()[1] = 0;
  start.as<uint64_t>()[2] = static_cast<uint64_t>(seed2);
  return std::vector<OwnState>{{"generator", std::move(start), std::nullopt}};
}

struct Row {
  std::string_view op;
  MakeFn make;
  bool is_needed;
};
constexpr Row kRows[] = {{"MULTINOMIAL", OfRandom, false},
                         {"RANDOM_STANDARD_NORMAL", OfRandom, false},
                         {"RANDOM_UNIFORM", OfRandom, false},
                         {"SignalDelay", OfDelay, true},
                         {"SignalFilterBankSpectralSubtraction", OfSubtraction, true},
                         {"SignalFramer", OfFramer, true},
                         {"SignalOverlapAdd", OfOverlapAdd, true},
                         {"SignalStacker", OfStacker, true}};

const Row* FindRow(const std::string& op) {
  const auto* row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.op == op; });
  return row == std::end(kRows) ? nullptr : row;
}

}  // namespace

Result<std::vector<OwnState>> OwnStatesOf(const ForeignNode& node, const GraphBuilder& builder,
                                          int64_t& bytes) {
  const Row* row = FindRow(node.op);
  return row == nullptr ? std::vector<OwnState>() : row->make({node, builder, bytes});
}

bool NeedsOwnState(const std::string& op) {
  const Row* row = FindRow(op);
  return row != nullptr && row->is_needed;
}

}  // namespace slipway::tflite
