#include "formats/tensorflow/graph_text.h"

#include <charconv>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <span>

#include "formats/proto_text.h"
#include "formats/tensorflow/checkpoint/dtypes.h"

namespace slipway::tensorflow {
namespace {

using proto_text::Field;
using proto_text::Message;
using protozero::pbf_writer;

enum class Kind { kText, kInt, kBool, kFloat, kDouble, kType, kMessage };

struct MessageDef;

struct FieldDef {
  std::string_view name;
  uint32_t number;
  Kind kind;
  const MessageDef* message = nullptr;  // kMessage
};

struct MessageDef {
  std::span<const FieldDef> fields;
};

extern const MessageDef kAttrValue;

constexpr FieldDef kDimFields[] = {{"size", 1, Kind::kInt}};
constexpr MessageDef kDim = {kDimFields};

constexpr FieldDef kShapeFields[] = {{"dim", 2, Kind::kMessage, &kDim}, {"unknown_rank", 3, Kind::kBool}};
constexpr MessageDef kShape = {kShapeFields};

constexpr FieldDef kTensorFields[] = {
    {"dtype", 1, Kind::kType},           {"tensor_shape", 2, Kind::kMessage, &kShape},
    {"tensor_content", 4, Kind::kText},  {"float_val", 5, Kind::kFloat},
    {"double_val", 6, Kind::kDouble},    {"int_val", 7, Kind::kInt},
    {"string_val", 8, Kind::kText},      {"scomplex_val", 9, Kind::kFloat},
    {"int64_val", 10, Kind::kInt},       {"bool_val", 11, Kind::kBool},
    {"dcomplex_val", 12, Kind::kDouble}, {"half_val", 13, Kind::kInt},
    {"uint32_val", 16, Kind::kInt},      {"uint64_val", 17, Kind::kInt}};
constexpr MessageDef kTensor = {kTensorFields};

constexpr FieldDef kAttrEntryFields[] = {{"key", 1, Kind::kText}, {"value", 2, Kind::kMessage, &kAttrValue}};
constexpr MessageDef kAttrEntry = {kAttrEntryFields};

constexpr FieldDef kFunctionNameFields[] = {{"name", 1, Kind::kText},
                                            {"attr", 2, Kind::kMessage, &kAttrEntry}};
constexpr MessageDef kFunctionName = {kFunctionNameFields};

constexpr FieldDef kListFields[] = {{"s", 2, Kind::kText},
                                    {"i", 3, Kind::kInt},
                                    {"f", 4, Kind::kFloat},
                                    {"b", 5, Kind::kBool},
                                    {"type", 6, Kind::kType},
                                    {"shape", 7, Kind::kMessage, &kShape},
                                    {"tensor", 8, Kind::kMessage, &kTensor},
                                    {"func", 9, Kind::kMessage, &kFunctionName}};
constexpr MessageDef kList = {kListFields};

constexpr FieldDef kAttrValueFields[] = {{"list", 1, Kind::kMessage, &kList},
                                         {"s", 2, Kind::kText},
                                         {"i", 3, Kind::kInt},
                                         {"f", 4, Kind::kFloat},
                                         {"b", 5, Kind::kBool},
                                         {"type", 6, Kind::kType},
                                         {"shape", 7, Kind::kMessage, &kShape},
                                         {"tensor", 8, Kind::kMessage, &kTensor},
                                         {"placeholder", 9, Kind::kText},
                                         {"func", 10, Kind::kMessage, &kFunctionName}};
constexpr MessageDef kAttrValue = {kAttrValueFields};

constexpr FieldDef kNodeFields[] = {{"name", 1, Kind::kText},
                                    {"op", 2, Kind::kText},
                                    {"input", 3, Kind::kText},
                                    {"attr", 5, Kind::kMessage, &kAttrEntry}};
constexpr MessageDef kNode = {kNodeFields};

constexpr FieldDef kArgFields[] = {{"name", 1, Kind::kText},
                                   {"type", 3, Kind::kType},
                                   {"type_attr", 4, Kind::kText},
                                   {"number_attr", 5, Kind::kText},
                                   {"type_list_attr", 6, Kind::kText}};
constexpr MessageDef kArg = {kArgFields};

constexpr FieldDef kSignatureFields[] = {{"name", 1, Kind::kText},
                                         {"input_arg", 2, Kind::kMessage, &kArg},
                                         {"output_arg", 3, Kind::kMessage, &kArg}};
constexpr MessageDef kSignature = {kSignatureFields};

constexpr FieldDef kTextEntryFields[] = {{"key", 1, Kind::kText}, {"value", 2, Kind::kText}};
constexpr MessageDef kTextEntry = {kTextEntryFields};

constexpr FieldDef kFunctionFields[] = {{"signature", 1, Kind::kMessage, &kSignature},
                                        {"node_def", 3, Kind::kMessage, &kNode},
                                        {"ret", 4, Kind::kMessage, &kTextEntry},
                                        {"attr", 5, Kind::kMessage, &kAttrEntry}};
constexpr MessageDef kFunction = {kFunctionFields};

constexpr FieldDef kLibraryFields[] = {{"function", 1, Kind::kMessage, &kFunction}};
constexpr MessageDef kLibrary = {kLibraryFields};

constexpr FieldDef kVersionsFields[] = {{"producer", 1, Kind::kInt}, {"min_consumer", 2, Kind::kInt}};
constexpr MessageDef kVersions = {kVersionsFields};

constexpr FieldDef kGraphFields[] = {{"node", 1, Kind::kMessage, &kNode},
                                     {"library", 2, Kind::kMessage, &kLibrary},
                                     {"versions", 4, Kind::kMessage, &kVersions}};
constexpr MessageDef kGraph = {kGraphFields};

Status Bad(const Field& field, std::string_view wanted) {
  const std::string found = field.is_message ? "{...}" : field.text.substr(0, 40);
  return Status(Code::kInvalidModel,
                "line " + std::to_string(field.line) + ": " + field.name + " is '" + found +
                    "'; it must be " + std::string(wanted),
                "write the graph again: tf.io.write_graph(graph_def, folder, name, as_text=True)");
}

// Decimal, 0x... or 0...; up to 2^64 - 1, as unsigned fields have it.
std::optional<int64_t> IntOf(std::string_view text) {
  const bool is_negative = text.starts_with("-");
  if (is_negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return static_cast<int64_t>(is_negative ? 0 - value : value);
}

std::optional<bool> BoolOf(std::string_view text) {
  for (std::string_view yes : {"true", "True", "t", "1"}) {
    if (text == yes) return true;
  }
  for (std::string_view no : {"false", "False", "f", "0"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

template <class Real>
std::optional<Real> RealOf(std::string_view text) {
  if ((text.ends_with("f") || text.ends_with("F")) && !text.ends_with("inf")) text.remove_suffix(1);
  Real value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ptr != end) return std::nullopt;
  if (parsed.ec == std::errc()) return value;
  // Out of range: zero, or without bound.
  double wide = 0;
  if (std::from_chars(text.data(), end, wide).ec == std::errc()) return static_cast<Real>(wide);
  return std::nullopt;
}

Status EncodeMessage(const Message& message, const MessageDef& def, pbf_writer& out);

Status EncodeField(const Field& field, const FieldDef& def, pbf_writer& out) {
  if (field.is_message != (def.kind == Kind::kMessage))
    return Bad(field, field.is_message ? "a value" : "a message in braces");
  switch (def.kind) {
    case Kind::kMessage: {
      pbf_writer inner(out, def.number);
      return EncodeMessage(field.message, *def.message, inner);
    }
    case Kind::kText: out.add_string(def.number, field.text); return Status::Ok();
    case Kind::kInt: {
      const auto value = IntOf(field.text);
      if (!value) return Bad(field, "a whole number");
      out.add_int64(def.number, *value);
      return Status::Ok();
    }
    case Kind::kBool: {
      const auto value = BoolOf(field.text);
      if (!value) return Bad(field, "true or false");
      out.add_bool(def.number, *value);
      return Status::Ok();
    }
    case Kind::kFloat: {
      const auto value = RealOf<float>(field.text);
      if (!value) return Bad(field, "a number");
      out.add_float(def.number, *value);
      return Status::Ok();
    }
    case Kind::kDouble: {
      const auto value = RealOf<double>(field.text);
      if (!value) return Bad(field, "a number");
      out.add_double(def.number, *value);
      return Status::Ok();
    }
    case Kind::kType: {
      const auto number = IntOf(field.text);
      if (!number && !field.text.starts_with("DT_")) return Bad(field, "a type, as DT_FLOAT");
      out.add_enum(def.number, number ? static_cast<int32_t>(*number) : NumberOfTfType(field.text));
      return Status::Ok();
    }
  }
  return Status::Ok();
}

// Nesting is bounded by the text's parser.
Status EncodeMessage(const Message& message, const MessageDef& def, pbf_writer& out) {
  for (const Field& field : message.fields) {
    for (const FieldDef& each : def.fields) {
      if (each.name == field.name) SLIPWAY_RETURN_IF_ERROR(EncodeField(field, each, out));
    }
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> EncodeGraphText(std::string_view text) {
  SLIPWAY_ASSIGN_OR_RETURN(const Message graph, proto_text::ParseText(text, "a TensorFlow GraphDef"));
  std::string bytes;
  pbf_writer out(bytes);
  SLIPWAY_RETURN_IF_ERROR(EncodeMessage(graph, kGraph, out));
  return bytes;
}

// OpenCV keeps a description of a network in the text form, in operators of its own, to be read together with
// the frozen graph that has the weights: it reads nodes that the text does not hold.
Status CheckHoldsItsWeights(const TfGraph& graph) {
  std::set<std::string> missing;
  std::string first;
  for (const TfNode& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      const std::string name = ParseInput(input).node;
      if (graph.Find(name) != nullptr) continue;
      if (missing.insert(name).second && first.empty()) first = name;
    }
  }
  if (missing.empty()) return Status::Ok();
  const std::string others =
      missing.size() == 1 ? "" : " and " + std::to_string(missing.size() - 1) + " more nodes";
  return Status(Code::kUnsupported,
                "a description of a network without its weights, as OpenCV writes them: it reads '" + first +
                    "'" + others + ", which it does not hold",
                "convert the frozen graph (.pb) that it belongs to: the network is in it with its weights");
}

}  // namespace slipway::tensorflow
