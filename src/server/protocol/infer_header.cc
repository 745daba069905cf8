#include "server/protocol/infer_header.h"

#include <simdjson.h>

#include "server/http/message.h"
#include "server/protocol/infer_rules.h"

namespace slipway::server {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(Body::kPadding >= simdjson::SIMDJSON_PADDING);

// A parser of texts up to this size is kept for the thread's next request; it takes about six times as much.
constexpr size_t kMaxKeptText = size_t{4} << 20;

Status Bad(std::string message, std::string hint = {}) {
  return {Code::kInvalidInput, std::move(message), std::move(hint)};
}

Status BadJson(simdjson::error_code error) {
  return Bad(std::string("the request is no valid JSON: ") + simdjson::error_message(error));
}

// What a member is called in messages: "inputs[2].shape".
using Path = std::string;

Path Entry(std::string_view list, size_t i) { return std::string(list) + "[" + std::to_string(i) + "]"; }

template <class T>
constexpr std::string_view kKind = "number from 0 to 2^64 - 1";
template <>
constexpr std::string_view kKind<bool> = "true or false";
template <>
constexpr std::string_view kKind<int64_t> = "integer";
template <>
constexpr std::string_view kKind<std::string_view> = "string";
template <>
constexpr std::string_view kKind<ondemand::array> = "array";
template <>
constexpr std::string_view kKind<ondemand::object> = "object";

// As a T of simdjson; strings are valid until the parser's next text.
template <class T>
Result<T> Get(ondemand::value value, const Path& path) {
  T got;
  const simdjson::error_code error = value.get(got);
  if (error == simdjson::SUCCESS) return got;
  if (error == simdjson::INCORRECT_TYPE || error == simdjson::NUMBER_ERROR ||
      error == simdjson::NUMBER_OUT_OF_RANGE)
    return Bad(path + " is no " + std::string(kKind<T>));
  return BadJson(error);
}

// Calls visit(key, value) for every member that is not null.
template <class Visit>
Status ForEachMember(ondemand::object object, Visit visit) {
  for (auto member : object) {
    ondemand::field field;
    if (const auto error = std::move(member).get(field)) return BadJson(error);
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return BadJson(error);
    bool is_null = false;
    if (const auto error = field.value().is_null().get(is_null)) return BadJson(error);
    if (!is_null) SLIPWAY_RETURN_IF_ERROR(visit(key, field.value()));
  }
  return Status::Ok();
}

template <class Visit>
Status ForEachMember(ondemand::value value, const Path& path, Visit visit) {
  SLIPWAY_ASSIGN_OR_RETURN(const ondemand::object object, Get<ondemand::object>(value, path));
  return ForEachMember(object, visit);
}

// Calls visit(index, element).
template <class Visit>
Status ForEachElement(ondemand::value value, const Path& path, Visit visit) {
  SLIPWAY_ASSIGN_OR_RETURN(ondemand::array array, Get<ondemand::array>(value, path));
  size_t i = 0;
  for (auto result : array) {
    ondemand::value element;
    if (const auto error = result.get(element)) return BadJson(error);
    SLIPWAY_RETURN_IF_ERROR(visit(i++, element));
  }
  return Status::Ok();
}

template <class T>
Status Read(ondemand::value value, const Path& path, T& to) {
  SLIPWAY_ASSIGN_OR_RETURN(to, Get<T>(value, path));
  return Status::Ok();
}
Status Read(ondemand::value value, const Path& path, std::string& to) {
  SLIPWAY_ASSIGN_OR_RETURN(to, Get<std::string_view>(value, path));
  return Status::Ok();
}

// --- inputs ---

Status ReadShape(ondemand::value value, const Path& path, std::optional<Dims>& shape) {
  shape.emplace();
  return ForEachElement(value, path, [&](size_t i, ondemand::value element) {
    if (i == kMaxRank) return Bad(path + " has more than " + std::to_string(kMaxRank) + " dimensions");
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, Get<int64_t>(element, Entry(path, i)));
    shape->push_back(extent);
    return Status::Ok();
  });
}

Status ReadData(ondemand::value value, const Path& path, std::string_view& data) {
  SLIPWAY_ASSIGN_OR_RETURN(ondemand::array array, Get<ondemand::array>(value, path));
  const auto error = array.raw_json().get(data);
  return error ? BadJson(error) : Status::Ok();
}

Status ReadInputParameter(std::string_view key, ondemand::value value, const Path& path, InputHeader& input) {
  if (key == "shared_memory_region") return NoSharedMemory(path);
  if (key != "binary_data_size") return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(input.binary_size, Get<uint64_t>(value, path + ".binary_data_size"));
  return Status::Ok();
}

Result<InputHeader> ReadInput(ondemand::value value, const Path& path) {
  InputHeader input;
  SLIPWAY_RETURN_IF_ERROR(ForEachMember(value, path, [&](std::string_view key, ondemand::value member) {
    if (key == "name") return Read(member, path + ".name", input.name);
    if (key == "datatype") return Read(member, path + ".datatype", input.datatype);
    if (key == "shape") return ReadShape(member, path + ".shape", input.shape);
    if (key == "data") return ReadData(member, path + ".data", input.data);
    if (key != "parameters") return Status::Ok();
    const Path parameters = path + ".parameters";
    return ForEachMember(member, parameters, [&](std::string_view name, ondemand::value parameter) {
      return ReadInputParameter(name, parameter, parameters, input);
    });
  }));
  if (input.name.empty()) return Bad(path + " has no name");
  return input;
}

// --- outputs ---

struct OutputHeader {
  RequestedOutput output;
  std::optional<bool> is_binary;
};

Status ReadOutputParameter(std::string_view key, ondemand::value value, const Path& path,
                           OutputHeader& header) {
  if (key == "shared_memory_region") return NoSharedMemory(path);
  if (key == "binary_data") {
    SLIPWAY_ASSIGN_OR_RETURN(header.is_binary, Get<bool>(value, path + ".binary_data"));
  } else if (key == "classification") {
    SLIPWAY_ASSIGN_OR_RETURN(const uint64_t classes, Get<uint64_t>(value, path + ".classification"));
    header.output.classes = ClassesOf(classes);
  }
  return Status::Ok();
}

Result<OutputHeader> ReadOutput(ondemand::value value, const Path& path) {
  OutputHeader header;
  SLIPWAY_RETURN_IF_ERROR(ForEachMember(value, path, [&](std::string_view key, ondemand::value member) {
    if (key == "name") return Read(member, path + ".name", header.output.name);
    if (key != "parameters") return Status::Ok();
    const Path parameters = path + ".parameters";
    return ForEachMember(member, parameters, [&](std::string_view name, ondemand::value parameter) {
      return ReadOutputParameter(name, parameter, parameters, header);
    });
  }));
  if (header.output.name.empty()) return Bad(path + " has no name");
  return header;
}

// --- the request ---

// Sequences are named by a number that is not 0, or by a text.
Status RefuseSequence(ondemand::value value) {
  uint64_t number = 0;
  std::string_view text;
  if (value.get(number) == simdjson::SUCCESS && number == 0) return Status::Ok();
  if (value.get(text) == simdjson::SUCCESS && text.empty()) return Status::Ok();
  return NoSequences();
}

Status ReadTimeout(ondemand::value value, std::chrono::microseconds& timeout) {
  SLIPWAY_ASSIGN_OR_RETURN(const uint64_t us, Get<uint64_t>(value, "parameters.timeout"));
  timeout = TimeoutOf(us);
  return Status::Ok();
}

Status ReadParameter(std::string_view key, ondemand::value value, InferRequest& request) {
  if (key == "priority") return Read(value, "parameters.priority", request.priority);
  if (key == "timeout") return ReadTimeout(value, request.timeout);
  if (key == "binary_data_output")
    return Read(value, "parameters.binary_data_output", request.is_binary_default);
  if (key == "sequence_id") return RefuseSequence(value);
  return Status::Ok();
}

// Members as they come; what one says about another is settled by Finish.
class HeaderReader {
 public:
  explicit HeaderReader(size_t max_inputs) : max_inputs_(max_inputs) {}

  Status Visit(std::string_view key, ondemand::value value) {
    if (key == "id") return Read(value, "id", header_.request.id);
    if (key == "inputs") return ReadInputs(value);
    if (key == "outputs") return ReadOutputs(value);
    if (key != "parameters") return Status::Ok();
    return ForEachMember(value, "parameters", [&](std::string_view name, ondemand::value parameter) {
      return ReadParameter(name, parameter, header_.request);
    });
  }

  Result<InferHeader> Finish() && {
    for (OutputHeader& header : outputs_) {
      header.output.is_binary = header.is_binary.value_or(header_.request.is_binary_default);
      header_.request.outputs.push_back(std::move(header.output));
    }
    SLIPWAY_RETURN_IF_ERROR(CheckOutputsDiffer(header_.request.outputs));
    return std::move(header_);
  }

 private:
  Status ReadInputs(ondemand::value value) {
    return ForEachElement(value, "inputs", [&](size_t i, ondemand::value element) {
      if (header_.inputs.size() == max_inputs_)
        return Bad("there are more inputs than the model has: " + std::to_string(max_inputs_));
      SLIPWAY_ASSIGN_OR_RETURN(InputHeader input, ReadInput(element, Entry("inputs", i)));
      header_.inputs.push_back(std::move(input));
      return Status::Ok();
    });
  }

  Status ReadOutputs(ondemand::value value) {
    return ForEachElement(value, "outputs", [&](size_t i, ondemand::value element) {
      if (outputs_.size() == kMaxOutputs) return TooManyOutputs();
      SLIPWAY_ASSIGN_OR_RETURN(OutputHeader output, ReadOutput(element, Entry("outputs", i)));
      outputs_.push_back(std::move(output));
      return Status::Ok();
    });
  }

  size_t max_inputs_;
  InferHeader header_;
  std::vector<OutputHeader> outputs_;
};

Result<InferHeader> ReadWith(ondemand::parser& parser, std::string_view json, size_t max_inputs) {
  const simdjson::padded_string_view padded(json.data(), json.size(),
                                            json.size() + simdjson::SIMDJSON_PADDING);
  ondemand::document document;
  if (const auto error = parser.iterate(padded).get(document)) return BadJson(error);
  ondemand::object object;
  if (const auto error = document.get_object().get(object)) {
    return error == simdjson::INCORRECT_TYPE ? Bad("the request is no JSON object") : BadJson(error);
  }
  HeaderReader reader(max_inputs);
  SLIPWAY_RETURN_IF_ERROR(ForEachMember(
      object, [&](std::string_view key, ondemand::value value) { return reader.Visit(key, value); }));
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS)
    return Bad("text follows the request's JSON");
  return std::move(reader).Finish();
}

}  // namespace

Result<InferHeader> ReadInferHeader(std::string_view json, size_t max_inputs) {
  if (json.empty()) return Bad("the request is empty");
  if (json.size() > kMaxKeptText) {
    ondemand::parser parser;
    return ReadWith(parser, json, max_inputs);
  }
  thread_local ondemand::parser parser;
  return ReadWith(parser, json, max_inputs);
}

}  // namespace slipway::server
