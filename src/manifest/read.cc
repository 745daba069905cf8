// JSON text to manifest: strict, with the path of whatever is wrong.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "manifest/fields.h"
#include "manifest/json.h"
#include "slipway/dtype.h"

namespace slipway {
namespace {

using nlohmann::json;

constexpr size_t kMaxTextBytes = size_t{64} << 20;
constexpr int kMaxDepth = 64;

Status Invalid(std::string message, std::string hint = {}) {
  return Status(Code::kInvalidModel, "manifest: " + std::move(message), std::move(hint));
}

template <class Names>
std::string Listed(const Names& names) {
  std::string text;
  for (std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// A short form of an offending value for messages.
std::string Shown(const json& value) {
  if (value.is_structured()) return value.is_object() ? "an object" : "a list";
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

Status WrongKind(const std::string& path, const char* wanted, const json& value) {
  return Invalid("'" + path + "' must be " + wanted + ", not " + Shown(value));
}

std::string Number(double value) {
  const bool is_whole = value == std::floor(value) && std::abs(value) < 1e15;
  return is_whole ? std::to_string(static_cast<int64_t>(value)) : json(value).dump();
}

Status CheckRange(const std::string& path, const FieldInfo& info, double value) {
  if (!std::isfinite(value)) return Invalid("'" + path + "' must be a finite number");
  if (info.is_nonzero && value == 0) return Invalid("'" + path + "' must not be 0");
  if (value >= info.min && value <= info.max) return Status::Ok();
  return Invalid("'" + path + "' is " + Number(value) + "; allowed are " + Number(info.min) + " to " +
                 Number(info.max));
}

Status Read(const json& value, const std::string& path, const FieldInfo&, std::string& out) {
  if (!value.is_string()) return WrongKind(path, "a string", value);
  out = value.get_ref<const std::string&>();
  return Status::Ok();
}

Status Read(const json& value, const std::string& path, const FieldInfo&, bool& out) {
  if (!value.is_boolean()) return WrongKind(path, "true or false", value);
  out = value.get<bool>();
  return Status::Ok();
}

Status Read(const json& value, const std::string& path, const FieldInfo& info, double& out) {
  if (!value.is_number()) return WrongKind(path, "a number", value);
  SLIPWAY_RETURN_IF_ERROR(CheckRange(path, info, value.get<double>()));
  out = value.get<double>();
  return Status::Ok();
}

Status Read(const json& value, const std::string& path, const FieldInfo& info, int64_t& out) {
  if (!value.is_number()) return WrongKind(path, "a whole number", value);
  const double number = value.get<double>();
  SLIPWAY_RETURN_IF_ERROR(CheckRange(path, info, number));
  if (number != std::floor(number)) return WrongKind(path, "a whole number", value);
  out = static_cast<int64_t>(number);
  if (out % info.multiple_of != 0)
    return Invalid("'" + path + "' is " + Shown(value) + "; it must be a multiple of " +
                   std::to_string(info.multiple_of));
  return Status::Ok();
}

template <ManifestEnum E>
Status Read(const json& value, const std::string& path, const FieldInfo&, E& out) {
  const auto& names = EnumNames<E>::kNames;
  if (!value.is_string()) return WrongKind(path, ("one of " + Listed(names)).c_str(), value);
  const auto& name = value.get_ref<const std::string&>();
  const std::optional<E> parsed = ParseEnum<E>(name);
  if (!parsed) {
    return Invalid("'" + path + "' is " + Shown(value) + DidYouMean(name, names),
                   "allowed are " + Listed(names));
  }
  out = *parsed;
  return Status::Ok();
}

template <class T>
Status Read(const json& value, const std::string& path, const FieldInfo& info, std::optional<T>& out);
template <class T>
Status Read(const json& value, const std::string& path, const FieldInfo& info, std::vector<T>& out);
Status Read(const json& value, const std::string& path, const FieldInfo& info,
            std::map<std::string, std::vector<std::string>>& out);

// Reads one object by its list of fields, then reports keys that nobody asked for.
class ObjectReader {
 public:
  ObjectReader(const json& object, const std::string& path) : object_(object), path_(path) {}

  template <class T>
  void Field(std::string_view key, T& field, const FieldInfo& info);
  Status Finish() const;

 private:
  std::string PathOf(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }

  const json& object_;
  const std::string& path_;
  std::vector<std::string_view> known_;
  Status status_;
};

template <class T>
requires requires(ObjectReader& v, T& s) { ListFields(v, s); }
Status Read(const json& value, const std::string& path, const FieldInfo&, T& out) {
  if (!value.is_object()) return WrongKind(path.empty() ? "(top)" : path, "an object", value);
  ObjectReader reader(value, path);
  ListFields(reader, out);
  return reader.Finish();
}

template <class T>
void ObjectReader::Field(std::string_view key, T& field, const FieldInfo& info) {
  known_.push_back(key);
  if (!status_.ok()) return;
  const auto found = object_.find(std::string(key));
  if (found != object_.end()) status_ = Read(*found, PathOf(key), info, field);
}

Status ObjectReader::Finish() const {
  if (!status_.ok()) return status_;
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    return Invalid("unknown key '" + PathOf(key.substr(0, 80)) + "'" + DidYouMean(key, known_),
                   "known here are " + Listed(known_));
  }
  return Status::Ok();
}

template <class T>
Status Read(const json& value, const std::string& path, const FieldInfo& info, std::optional<T>& out) {
  T inner{};
  SLIPWAY_RETURN_IF_ERROR(Read(value, path, info, inner));
  out = std::move(inner);
  return Status::Ok();
}

template <class T>
Status Read(const json& value, const std::string& path, const FieldInfo& info, std::vector<T>& out) {
  if (!value.is_array()) return WrongKind(path, "a list", value);
  if (value.size() > info.max_items) {
    return Invalid("'" + path + "' has " + std::to_string(value.size()) + " entries; at most " +
                   std::to_string(info.max_items) + " are allowed");
  }
  out.clear();
  for (size_t i = 0; i < value.size(); ++i) {
    SLIPWAY_RETURN_IF_ERROR(Read(value[i], path + "[" + std::to_string(i) + "]", info, out.emplace_back()));
  }
  return Status::Ok();
}

Status Read(const json& value, const std::string& path, const FieldInfo& info,
            std::map<std::string, std::vector<std::string>>& out) {
  if (!value.is_object()) return WrongKind(path, "an object", value);
  out.clear();
  for (const auto& [role, names] : value.items()) {
    if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
      return Invalid("unknown role '" + path + "." + role.substr(0, 80) + "'" + DidYouMean(role, kRoles),
                     "roles are " + Listed(kRoles));
    }
    const json list = names.is_string() ? json::array({names}) : names;
    SLIPWAY_RETURN_IF_ERROR(Read(list, path + "." + role, info, out[role]));
  }
  return Status::Ok();
}

// Objects and lists that are open at the deepest point; brackets within strings don't count.
int NestingOf(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool is_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_string) {
      if (c == '\\') ++i;
      if (c == '"') is_string = false;
      continue;
    }
    if (c == '"') is_string = true;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return deepest;
}

Status CheckMeaning(const Manifest& manifest) {
  for (size_t i = 0; i < manifest.inputs.size(); ++i) {
    const std::string& dtype = manifest.inputs[i].dtype;
    if (dtype.empty() || ParseDType(dtype)) continue;
    return Invalid("'inputs[" + std::to_string(i) + "].dtype' is '" + dtype.substr(0, 40) +
                       "', which is no element type",
                   "use one such as f32, f16, u8, i8, i16, i32");
  }
  for (size_t i = 0; i < manifest.outputs.size(); ++i) {
    const auto& anchors = manifest.outputs[i].anchors;
    if (!anchors || anchors->variances.empty() || anchors->variances.size() == 4) continue;
    return Invalid("'outputs[" + std::to_string(i) + "].anchors.variances' has " +
                   std::to_string(anchors->variances.size()) + " entries; it needs 4, for x, y, w, h");
  }
  return Status::Ok();
}

}  // namespace

Result<json> ParseJsonText(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return Invalid("is " + std::to_string(text.size()) + " bytes long; at most " +
                   std::to_string(kMaxTextBytes) + " are read");
  }
  if (NestingOf(text) > kMaxDepth)
    return Invalid("is nested more than " + std::to_string(kMaxDepth) + " deep");
  try {
    return json::parse(text, nullptr, true, true);
  } catch (const json::exception& error) {
    std::string reason = error.what();
    // The library's own prefix "[json.exception.parse_error.101] " says nothing to a user.
    if (const size_t end = reason.find("] "); end != std::string::npos) reason.erase(0, end + 2);
    return Invalid("not valid JSON: " + reason);
  }
}

Result<Manifest> ManifestFromJson(const json& object) {
  Manifest manifest;
  SLIPWAY_RETURN_IF_ERROR(Read(object, "", {}, manifest));
  SLIPWAY_RETURN_IF_ERROR(CheckMeaning(manifest));
  return manifest;
}

Result<Manifest> ParseManifest(std::string_view text) {
  SLIPWAY_ASSIGN_OR_RETURN(const json object, ParseJsonText(text));
  return ManifestFromJson(object);
}

}  // namespace slipway
