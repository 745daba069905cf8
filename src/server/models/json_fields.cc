#include "server/models/json_fields.h"

#include <nlohmann/json.hpp>

namespace slipway::server {
namespace {

using nlohmann::json;
using pbtxt::Field;
using pbtxt::Kind;
using pbtxt::Message;

constexpr size_t kMaxReasonBytes = 200;  // a reason shows what was read, which may be long

class Converter {
 public:
  Status AddMembers(const json& object, Message& message) {
    for (const auto& [key, value] : object.items()) {
      // Every item of a list has a copy of the name.
      if (key.size() > pbtxt::kMaxNameBytes) {
        return Error("a key is longer than " + std::to_string(pbtxt::kMaxNameBytes) + " bytes");
      }
      const bool is_map =
          value.is_object() && ((depth_ == 0 && key == "parameters") || (depth_ == 1 && key == "inputs"));
      SLIPWAY_RETURN_IF_ERROR(is_map ? AddMap(key, value, message) : AddMember(key, value, message));
    }
    return Status::Ok();
  }

 private:
  static Status Error(std::string what) { return Status(Code::kInvalidModel, std::move(what)); }

  Status AddMember(const std::string& name, const json& value, Message& message) {
    if (!value.is_array()) return AddValue(name, value, message);
    if (value.empty()) return Add({.name = name, .kind = Kind::kEmptyList}, message);
    for (const json& item : value) {
      if (item.is_array()) return Error("'" + name + "' is a list of lists");
      SLIPWAY_RETURN_IF_ERROR(AddValue(name, item, message));
    }
    return Status::Ok();
  }

  Status AddValue(const std::string& name, const json& value, Message& message) {
    if (value.is_null()) return Status::Ok();
    Field field{.name = name};
    if (value.is_object()) {
      SLIPWAY_RETURN_IF_ERROR(SetMessage(value, field));
    } else if (value.is_string()) {
      field.kind = Kind::kJsonText;
      field.text = value.get_ref<const std::string&>();
    } else {
      field.kind = value.is_boolean() ? Kind::kWord : Kind::kNumber;
      field.text = value.dump();
    }
    return Add(std::move(field), message);
  }

  Status SetMessage(const json& object, Field& field) {
    if (depth_ >= pbtxt::kMaxDepth) {
      return Error("objects nest deeper than " + std::to_string(pbtxt::kMaxDepth));
    }
    ++depth_;
    field.kind = Kind::kMessage;
    SLIPWAY_RETURN_IF_ERROR(AddMembers(object, field.message));
    --depth_;
    return Status::Ok();
  }

  // {"a": 1} becomes name { key: "a" value: 1 }.
  Status AddMap(const std::string& name, const json& map, Message& message) {
    ++depth_;
    for (const auto& [key, value] : map.items()) {
      Field entry{.name = name, .kind = Kind::kMessage};
      SLIPWAY_RETURN_IF_ERROR(Add({.name = "key", .kind = Kind::kJsonText, .text = key}, entry.message));
      SLIPWAY_RETURN_IF_ERROR(AddMember("value", value, entry.message));
      SLIPWAY_RETURN_IF_ERROR(Add(std::move(entry), message));
    }
    --depth_;
    return Status::Ok();
  }

  Status Add(Field field, Message& message) {
    if (++num_fields_ > pbtxt::kMaxFields) {
      return Error("more than " + std::to_string(pbtxt::kMaxFields) + " values");
    }
    message.fields.push_back(std::move(field));
    return Status::Ok();
  }

  int depth_ = 0;
  size_t num_fields_ = 0;
};

Result<json> ParseJson(std::string_view text) {
  if (text.size() > pbtxt::kMaxBytes) {
    return Status(Code::kInvalidModel, "the text has " + std::to_string(text.size()) +
                                           " bytes, the limit is " + std::to_string(pbtxt::kMaxBytes));
  }
  try {
    json value = json::parse(text);
    if (value.is_object()) return value;
    return Status(Code::kInvalidModel, "a JSON object is wanted, not " + std::string(value.type_name()));
  } catch (const json::exception& error) {
    std::string reason = error.what();
    // The library's own prefix "[json.exception.parse_error.101] " says nothing to a user.
    if (const size_t end = reason.find("] "); end != std::string::npos) reason.erase(0, end + 2);
    return Status(Code::kInvalidModel, "not valid JSON: " + reason.substr(0, kMaxReasonBytes));
  }
}

Result<Message> Convert(std::string_view text) {
  SLIPWAY_ASSIGN_OR_RETURN(const json object, ParseJson(text));
  Message message;
  SLIPWAY_RETURN_IF_ERROR(Converter().AddMembers(object, message));
  return message;
}

}  // namespace

Result<Message> FieldsOfJson(std::string_view text, std::string_view source_name) {
  auto message = Convert(text);
  if (!message.ok()) return message.status().WithContext(source_name);
  return message;
}

}  // namespace slipway::server
