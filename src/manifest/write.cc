// Manifest to JSON text, and the merging of two.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "manifest/fields.h"
#include "manifest/json.h"

namespace slipway {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Collects the fields of one struct, all of them.
class FieldWriter {
 public:
  template <class T>
  void Field(std::string_view key, const T& field, const FieldInfo&) {
    object_[std::string(key)] = Write(field);
  }
  ordered_json Take() { return std::move(object_); }

 private:
  static ordered_json Write(const std::string& value) { return value; }
  static ordered_json Write(bool value) { return value; }
  static ordered_json Write(int64_t value) { return value; }
  static ordered_json Write(double value) {
    // 255 rather than 255.0: people write whole numbers so.
    const bool is_whole = value == std::floor(value) && std::abs(value) < 1e15;
    return is_whole ? ordered_json(static_cast<int64_t>(value)) : ordered_json(value);
  }
  template <ManifestEnum E>
  static ordered_json Write(E value) {
    return std::string(NameOf(value));
  }
  static ordered_json Write(const std::map<std::string, std::vector<std::string>>& value) {
    ordered_json object = ordered_json::object();
    for (const auto& [role, names] : value) {
      object[role] = names.size() == 1 ? ordered_json(names[0]) : ordered_json(names);
    }
    return object;
  }
  template <class T>
  static ordered_json Write(const std::optional<T>& value) {
    return value ? Write(*value) : ordered_json();
  }
  template <class T>
  static ordered_json Write(const std::vector<T>& value) {
    ordered_json list = ordered_json::array();
    for (const T& item : value) list.push_back(Write(item));
    return list;
  }
  template <class S>
  requires requires(FieldWriter& v, S& s) { ListFields(v, s); }
  static ordered_json Write(const S& value);

  ordered_json object_ = ordered_json::object();
};

template <class S>
ordered_json AllFields(S value) {
  FieldWriter writer;
  ListFields(writer, value);
  return writer.Take();
}

template <class S>
ordered_json ChangedFields(const S& value) {
  static const ordered_json defaults = AllFields(S{});
  ordered_json changed = ordered_json::object();
  const ordered_json all = AllFields(value);
  for (const auto& [key, field] : all.items()) {
    if (field != defaults[key]) changed[key] = field;
  }
  return changed;
}

template <class S>
requires requires(FieldWriter& v, S& s) { ListFields(v, s); }
ordered_json FieldWriter::Write(const S& value) { return ChangedFields(value); }

bool IsListOfObjects(const json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_object(); });
}

// Puts `over` over `base`. Depth is bounded by the text's nesting limit.
void Overlay(json& base, const json& over) {
  if (base.is_object() && over.is_object()) {
    for (const auto& [key, value] : over.items()) {
      if (value.is_null()) {
        base.erase(key);
      } else {
        Overlay(base[key], value);
      }
    }
    return;
  }
  if (IsListOfObjects(base) && IsListOfObjects(over)) {
    for (size_t i = 0; i < over.size(); ++i) {
      if (i < base.size()) {
        Overlay(base[i], over[i]);
      } else {
        base.push_back(over[i]);
      }
    }
    return;
  }
  base = over;
}

Result<Manifest> OverrideByJson(const Manifest& base, const json& over) {
  json merged = ManifestToJson(base);
  Overlay(merged, over);
  return ManifestFromJson(merged);
}

std::string Dump(const ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

ordered_json ManifestToJson(const Manifest& manifest) { return ChangedFields(manifest); }

std::string ToJson(const Manifest& manifest) { return Dump(ManifestToJson(manifest), 2) + "\n"; }

std::string ToCompactJson(const Manifest& manifest) { return Dump(ManifestToJson(manifest), -1); }

Result<Manifest> OverrideManifest(const Manifest& base, std::string_view text) {
  SLIPWAY_ASSIGN_OR_RETURN(const json over, ParseJsonText(text));
  if (!over.is_object()) return ManifestFromJson(over);  // for its error
  return OverrideByJson(base, over);
}

Result<Manifest> MergeManifests(const Manifest& base, const Manifest& over) {
  return OverrideByJson(base, ManifestToJson(over));
}

}  // namespace slipway
