// The JSON Schema of a manifest, from the list of fields.
#include <nlohmann/json.hpp>

#include "manifest/fields.h"

namespace slipway {
namespace {

using nlohmann::ordered_json;

constexpr double kNoLimit = 1e29;

class SchemaWriter {
 public:
  template <class T>
  void Field(std::string_view key, const T&, const FieldInfo& info) {
    ordered_json schema = Of(static_cast<const T*>(nullptr), info);
    schema["description"] = info.doc;
    properties_[std::string(key)] = std::move(schema);
  }
  ordered_json Take() {
    return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties_)}};
  }

 private:
  static ordered_json Number(const char* type, const FieldInfo& info) {
    ordered_json schema = {{"type", type}};
    if (info.min > -kNoLimit) schema["minimum"] = info.min;
    if (info.max < kNoLimit) schema["maximum"] = info.max;
    if (info.multiple_of > 1) schema["multipleOf"] = info.multiple_of;
    if (info.is_nonzero) schema["not"] = {{"const", 0}};
    return schema;
  }
  static ordered_json Of(const std::string*, const FieldInfo&) { return {{"type", "string"}}; }
  static ordered_json Of(const bool*, const FieldInfo&) { return {{"type", "boolean"}}; }
  static ordered_json Of(const int64_t*, const FieldInfo& info) { return Number("integer", info); }
  static ordered_json Of(const double*, const FieldInfo& info) { return Number("number", info); }
  template <ManifestEnum E>
  static ordered_json Of(const E*, const FieldInfo&) {
    ordered_json names = ordered_json::array();
    for (std::string_view name : EnumNames<E>::kNames) names.push_back(std::string(name));
    return {{"enum", std::move(names)}};
  }
  static ordered_json Of(const std::map<std::string, std::vector<std::string>>*, const FieldInfo&) {
    ordered_json roles = ordered_json::object();
    for (std::string_view role : kRoles) {
      roles[std::string(role)] = {{"type", {"string", "array"}}, {"items", {{"type", "string"}}}};
    }
    return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(roles)}};
  }
  template <class T>
  static ordered_json Of(const std::optional<T>*, const FieldInfo& info) {
    return Of(static_cast<const T*>(nullptr), info);
  }
  template <class T>
  static ordered_json Of(const std::vector<T>*, const FieldInfo& info) {
    return {
        {"type", "array"}, {"maxItems", info.max_items}, {"items", Of(static_cast<const T*>(nullptr), info)}};
  }
  template <class S>
  requires requires(SchemaWriter& v, S& s) { ListFields(v, s); }
  static ordered_json Of(const S*, const FieldInfo&) {
    S object;
    SchemaWriter writer;
    ListFields(writer, object);
    return writer.Take();
  }

  ordered_json properties_ = ordered_json::object();
};

}  // namespace

std::string ManifestSchema() {
  Manifest manifest;
  SchemaWriter writer;
  ListFields(writer, manifest);
  ordered_json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                         {"title", "Slipway manifest"}};
  schema.update(writer.Take());
  return schema.dump(2) + "\n";
}

}  // namespace slipway
