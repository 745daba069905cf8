#include "formats/tensorflow/function_def.h"

#include <algorithm>
#include <charconv>

namespace slipway::tensorflow {
namespace {

using protozero::pbf_reader;

// Operators of several outputs that graphs for inference have, for files that do not describe operators.
// Source: tensorflow/core/ops/*.cc. Those of one output need no entry, whatever it is called.
OutputDefs BuiltInOutputs(const std::string& op) {
  static const std::map<std::string, std::vector<const char*>> kOutputs = {
      {"BlockLSTM", {"i", "cs", "f", "o", "ci", "co", "h"}},
      {"BlockLSTMV2", {"i", "cs", "f", "o", "ci", "co", "h"}},
      {"CombinedNonMaxSuppression", {"nmsed_boxes", "nmsed_scores", "nmsed_classes", "valid_detections"}},
      {"FusedBatchNorm", {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}},
      {"FusedBatchNormV2", {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}},
      {"FusedBatchNormV3",
       {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"}},
      {"GRUBlockCell", {"r", "u", "c", "h"}},
      {"LSTMBlockCell", {"i", "cs", "f", "o", "ci", "co", "h"}},
      {"MaxPoolWithArgmax", {"output", "argmax"}},
      {"Merge", {"output", "value_index"}},
      {"NonMaxSuppressionV4", {"selected_indices", "valid_outputs"}},
      {"NonMaxSuppressionV5", {"selected_indices", "selected_scores", "valid_outputs"}},
      {"Switch", {"output_false", "output_true"}},
      {"TensorArrayConcatV3", {"value", "lengths"}},
      {"TensorArrayV3", {"handle", "flow"}},
      {"TensorListConcat", {"tensor", "lengths"}},
      {"TensorListConcatV2", {"tensor", "lengths"}},
      {"TensorListPopBack", {"output_handle", "tensor"}},
      {"TopKV2", {"values", "indices"}},
      {"Unique", {"y", "idx"}},
      {"UniqueWithCounts", {"y", "idx", "count"}}};
  OutputDefs defs;
  if (const auto found = kOutputs.find(op); found != kOutputs.end()) {
    for (const char* name : found->second) defs.push_back({name, "", ""});
  }
  return defs;
}

struct ArgDef {
  OutputDef output;
  DType dtype = DType::kNone;
};

ArgDef DecodeArg(pbf_reader message) {
  ArgDef arg;
  while (message.next()) {
    switch (message.tag()) {
      case 1: arg.output.name = message.get_string(); break;
      case 3: arg.dtype = DTypeFromTf(message.get_enum()); break;
      case 5: arg.output.number_attr = message.get_string(); break;
      case 6: arg.output.type_list_attr = message.get_string(); break;
      default: message.skip();
    }
  }
  return arg;
}

struct Signature {
  std::string name;
  std::vector<ArgDef> inputs;
  OutputDefs outputs;
};

Signature DecodeSignature(pbf_reader message) {
  Signature signature;
  while (message.next()) {
    switch (message.tag()) {
      case 1: signature.name = message.get_string(); break;
      case 2: signature.inputs.push_back(DecodeArg(message.get_message())); break;
      case 3: signature.outputs.push_back(DecodeArg(message.get_message()).output); break;
      default: message.skip();
    }
  }
  return signature;
}

int64_t CountOf(const OutputDef& output, const TfNode& node) {
  if (!output.number_attr.empty()) return node.attrs.Int(output.number_attr, 1);
  if (!output.type_list_attr.empty())
    return static_cast<int64_t>(node.attrs.IntList(output.type_list_attr).size());
  return 1;
}

class Respeller {
 public:
  Respeller(const std::map<std::string, OutputDefs>& ops,
            const std::map<std::string, const RawFunction*>& functions, const TfFunction& function)
      : ops_(ops), functions_(functions), function_(function) {
    for (const TfNode& node : function.nodes) nodes_.emplace(node.name, &node);
  }

  // "argument", "node:output", "node:output:k" or "^node" as "node:k" or "^node".
  Result<std::string> Respell(const std::string& text) const {
    if (!text.empty() && text[0] == '^') return text;
    const size_t colon = text.find(':');
    const std::string name = text.substr(0, colon);
    const auto found = nodes_.find(name);
    if (found == nodes_.end())
      return Status(Code::kInvalidModel,
                    "function '" + function_.name + "' reads '" + name + "', which it lacks");
    if (colon == std::string::npos) return name + ":0";
    const size_t second = text.find(':', colon + 1);
    const std::string output = text.substr(colon + 1, second - colon - 1);
    int64_t index = 0;
    if (second != std::string::npos) {
      const char* end = text.data() + text.size();
      const auto read = std::from_chars(text.data() + second + 1, end, index);
      if (read.ec != std::errc() || read.ptr != end || index < 0 || index > INT32_MAX / 2)
        return Status(Code::kInvalidModel,
                      "function '" + function_.name + "' has the bad input '" + text + "'");
    }
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t first, FirstOf(*found->second, output));
    return name + ":" + std::to_string(first + index);
  }

 private:
  // Number of the first result of that output.
  Result<int64_t> FirstOf(const TfNode& node, const std::string& output) const {
    const OutputDefs outputs = OutputsOf(node);
    int64_t first = 0;
    for (const OutputDef& each : outputs) {
      if (each.name == output) return first;
      first += std::clamp<int64_t>(CountOf(each, node), 0, INT32_MAX / 4096);
      if (first > INT32_MAX / 2) break;
    }
    if (outputs.size() <= 1) return 0;
    return Status(Code::kInvalidModel, "function '" + function_.name + "': " + node.op + " '" + node.name +
                                           "' has no output '" + output + "'");
  }

  OutputDefs OutputsOf(const TfNode& node) const {
    if (const auto found = functions_.find(node.op); found != functions_.end()) return found->second->outputs;
    if (const auto found = ops_.find(node.op); found != ops_.end()) return found->second;
    return BuiltInOutputs(node.op);
  }

  const std::map<std::string, OutputDefs>& ops_;
  const std::map<std::string, const RawFunction*>& functions_;
  const TfFunction& function_;
  std::map<std::string, const TfNode*> nodes_;
};

Status RespellBody(const RawFunction& raw, const Respeller& respeller, TfFunction& function) {
  for (TfNode& node : function.nodes) {
    for (std::string& input : node.inputs) {
      SLIPWAY_ASSIGN_OR_RETURN(input, respeller.Respell(input));
    }
  }
  for (const OutputDef& output : raw.outputs) {
    const auto found = raw.results.find(output.name);
    if (found == raw.results.end())
      return Status(Code::kInvalidModel,
                    "function '" + function.name + "' does not say what its output '" + output.name + "' is");
    SLIPWAY_ASSIGN_OR_RETURN(std::string result, respeller.Respell(found->second));
    function.results.push_back(std::move(result));
  }
  return Status::Ok();
}

}  // namespace

std::pair<std::string, OutputDefs> DecodeOpDef(pbf_reader message) {
  Signature signature = DecodeSignature(message);
  return {std::move(signature.name), std::move(signature.outputs)};
}

Result<RawFunction> DecodeFunction(pbf_reader message, const NodeSource& source) {
  RawFunction raw;
  Signature signature;
  while (message.next()) {
    switch (message.tag()) {
      case 1: signature = DecodeSignature(message.get_message()); break;
      case 3: {
        SLIPWAY_ASSIGN_OR_RETURN(TfNode node, DecodeNode(message.get_message(), source));
        raw.function.nodes.push_back(std::move(node));
        break;
      }
      case 4: {
        pbf_reader entry = message.get_message();
        std::string key, value;
        while (entry.next()) {
          switch (entry.tag()) {
            case 1: key = entry.get_string(); break;
            case 2: value = entry.get_string(); break;
            default: entry.skip();
          }
        }
        raw.results.emplace(std::move(key), std::move(value));
        break;
      }
      default: message.skip();
    }
  }
  raw.function.name = std::move(signature.name);
  raw.outputs = std::move(signature.outputs);
  for (const ArgDef& arg : signature.inputs) {
    raw.function.args.push_back(arg.output.name);
    raw.function.nodes.push_back({arg.output.name, "_Arg", {}, {{"dtype", arg.dtype}}});
  }
  return raw;
}

Result<TfLibrary> RespellFunctions(std::vector<RawFunction> functions,
                                   const std::map<std::string, OutputDefs>& ops) {
  std::map<std::string, const RawFunction*> by_name;
  for (const RawFunction& raw : functions) {
    if (!by_name.emplace(raw.function.name, &raw).second)
      return Status(Code::kInvalidModel, "function '" + raw.function.name + "' stands twice");
  }
  TfLibrary library;
  for (const RawFunction& raw : functions) {
    TfFunction function = raw.function;
    function.broken = RespellBody(raw, Respeller(ops, by_name, raw.function), function);
    library.emplace(raw.function.name, std::move(function));
  }
  return library;
}

}  // namespace slipway::tensorflow
