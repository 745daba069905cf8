#include "formats/tflite/options.h"

#include <flatbuffers/flexbuffers.h>
#include <flatbuffers/reflection.h>

#include <cstring>

#include "base/flat_vector.h"
#include "formats/tflite/dtypes.h"
#include "formats/tflite/flex_options.h"
#include "tflite/schema_bfbs_generated.h"

namespace slipway::tflite {
namespace {

constexpr int kMaxNesting = 4;

const reflection::Schema& SchemaOf() {
  static const reflection::Schema& schema = *reflection::GetSchema(fb::ModelBinarySchema::data());
  return schema;
}

const reflection::Object* FindType(std::string_view name) {
  const std::string full = "slipway.tflite.fb." + std::string(name);
  return SchemaOf().objects()->LookupByKey(full.c_str());
}

// `table` null: every field at its default.
class OptionDecoder {
 public:
  explicit OptionDecoder(Attrs& attrs) : attrs_(attrs) {}

  void Decode(const flatbuffers::Table* table, const reflection::Object& type, const std::string& prefix,
              int depth) {
    for (const reflection::Field* field : *type.fields()) {
      if (!field->deprecated()) DecodeField(table, *field, prefix + field->name()->str(), depth);
    }
  }

 private:
  using Field = reflection::Field;

  void DecodeField(const flatbuffers::Table* table, const Field& field, const std::string& name, int depth) {
    const reflection::BaseType base = field.type()->base_type();
    if (base == reflection::Union || base == reflection::UType) return;
    if (base == reflection::Obj) return DecodeNested(table, field, name, depth);
    if (base == reflection::Vector) return DecodeVector(table, field, name);
    if (base == reflection::String) {
      const auto* text = table ? flatbuffers::GetFieldS(*table, field) : nullptr;
      return attrs_.Set(name, text ? text->str() : std::string());
    }
    if (flatbuffers::IsFloat(base)) {
      const double value = table ? flatbuffers::GetAnyFieldF(*table, field) : field.default_real();
      return attrs_.Set(name, static_cast<float>(value));
    }
    DecodeInteger(field, table ? flatbuffers::GetAnyFieldI(*table, field) : field.default_integer(), name);
  }

  void DecodeInteger(const Field& field, int64_t value, const std::string& name) {
    if (field.type()->index() < 0) return attrs_.Set(name, value);
    const reflection::Enum& type =
        *SchemaOf().enums()->Get(static_cast<flatbuffers::uoffset_t>(field.type()->index()));
    if (type.name()->str() == "slipway.tflite.fb.TensorType") {
      return attrs_.Set(name, DTypeOf(static_cast<fb::TensorType>(value)));
    }
    const reflection::EnumVal* entry = type.values()->LookupByKey(value);
    attrs_.Set(name, entry ? entry->name()->str() : std::to_string(value));
  }

  void DecodeNested(const flatbuffers::Table* table, const Field& field, const std::string& name, int depth) {
    const auto* nested = table ? flatbuffers::GetFieldT(*table, field) : nullptr;
    if (nested == nullptr || depth >= kMaxNesting) return;
    const auto index = static_cast<flatbuffers::uoffset_t>(field.type()->index());
    Decode(nested, *SchemaOf().objects()->Get(index), name + ".", depth + 1);
  }

  void DecodeVector(const flatbuffers::Table* table, const Field& field, const std::string& name) {
    const reflection::BaseType element = field.type()->element();
    const auto* vector = table ? flatbuffers::GetFieldAnyV(*table, field) : nullptr;
    const flatbuffers::uoffset_t size = vector ? vector->size() : 0;
    if (element == reflection::String) return attrs_.Set(name, StringsOf(vector));
    if (flatbuffers::IsFloat(element)) {
      Floats values;
      for (flatbuffers::uoffset_t i = 0; i < size; ++i) {
        values.push_back(static_cast<float>(flatbuffers::GetAnyVectorElemF(vector, element, i)));
      }
      return attrs_.Set(name, std::move(values));
    }
    if (!flatbuffers::IsScalar(element)) return;
    if (element == reflection::Long) {
      return attrs_.Set(name, ElementsOf(reinterpret_cast<const flatbuffers::Vector<int64_t>*>(vector)));
    }
    Ints values;
    for (flatbuffers::uoffset_t i = 0; i < size; ++i) {
      values.push_back(flatbuffers::GetAnyVectorElemI(vector, element, i));
    }
    attrs_.Set(name, std::move(values));
  }

  static Strings StringsOf(const flatbuffers::VectorOfAny* vector) {
    Strings strings;
    if (vector == nullptr) return strings;
    for (const auto* text :
         *reinterpret_cast<const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>*>(vector)) {
      strings.push_back(text->str());
    }
    return strings;
  }

  Attrs& attrs_;
};

std::string_view TextOf(const flexbuffers::String& text) { return {text.c_str(), text.length()}; }

// A list of one kind; mixed and nested lists are left out.
void SetList(const std::string& name, const flexbuffers::Reference& value, Attrs& attrs) {
  const auto set = [&](const auto& list) {
    if (list.size() == 0) return attrs.Set(name, Ints());
    const flexbuffers::Reference first = list[0];
    Ints ints;
    Floats floats;
    Strings strings;
    for (size_t i = 0; i < list.size(); ++i) {
      if (first.IsString()) {
        strings.emplace_back(TextOf(list[i].AsString()));
      } else if (first.IsFloat()) {
        floats.push_back(list[i].AsFloat());
      } else if (first.IsNumeric() || first.IsBool()) {
        ints.push_back(list[i].AsInt64());
      }
    }
    if (!strings.empty()) return attrs.Set(name, std::move(strings));
    if (!floats.empty()) return attrs.Set(name, std::move(floats));
    attrs.Set(name, std::move(ints));
  };
  if (value.IsTypedVector()) return set(value.AsTypedVector());
  if (value.IsFixedTypedVector()) return set(value.AsFixedTypedVector());
  set(value.AsVector());
}

void SetFlex(const std::string& name, const flexbuffers::Reference& value, Attrs& attrs) {
  if (value.IsBool()) return attrs.Set(name, static_cast<int64_t>(value.AsBool() ? 1 : 0));
  if (value.IsIntOrUint()) return attrs.Set(name, value.AsInt64());
  if (value.IsFloat()) return attrs.Set(name, value.AsFloat());
  if (value.IsString()) return attrs.Set(name, std::string(TextOf(value.AsString())));
  if (value.IsBlob()) {
    const flexbuffers::Blob blob = value.AsBlob();
    return attrs.Set(name, std::string(reinterpret_cast<const char*>(blob.data()), blob.size()));
  }
  if (value.IsAnyVector()) SetList(name, value, attrs);
}

// ["SentencepieceOp", a serialised NodeDef]
bool IsNodeDef(const flexbuffers::Reference& root) {
  if (!root.IsVector()) return false;
  const flexbuffers::Vector list = root.AsVector();
  return list.size() == 2 && list[0].IsString() && list[1].IsString();
}

}  // namespace

Attrs DecodeOptions(const flatbuffers::Table& table, std::string_view type_name) {
  Attrs attrs;
  if (const reflection::Object* type = FindType(type_name)) OptionDecoder(attrs).Decode(&table, *type, "", 0);
  return attrs;
}

Attrs DefaultOptions(std::string_view type_name) {
  Attrs attrs;
  if (const reflection::Object* type = FindType(type_name))
    OptionDecoder(attrs).Decode(nullptr, *type, "", 0);
  return attrs;
}

Attrs DecodeCustomOptions(std::span<const uint8_t> bytes) {
  Attrs attrs;
  if (bytes.empty()) return attrs;
  // FlexBuffers are read at the alignment of their start.
  std::vector<uint64_t> aligned((bytes.size() + 7) / 8);
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const auto* data = reinterpret_cast<const uint8_t*>(aligned.data());
  std::vector<uint8_t> reuse_tracker;
  const bool is_flex = bytes.size() >= 3 && flexbuffers::VerifyBuffer(data, bytes.size(), &reuse_tracker);
  if (is_flex && IsNodeDef(flexbuffers::GetRoot(data, bytes.size())))
    return DecodeNodeDef(TextOf(flexbuffers::GetRoot(data, bytes.size()).AsVector()[1].AsString()));
  if (!is_flex || !flexbuffers::GetRoot(data, bytes.size()).IsMap()) {
    attrs.Set("custom_options", std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return attrs;
  }
  const flexbuffers::Map map = flexbuffers::GetRoot(data, bytes.size()).AsMap();
  const flexbuffers::TypedVector keys = map.Keys();
  const flexbuffers::Vector values = map.Values();
  for (size_t i = 0; i < keys.size(); ++i) SetFlex(keys[i].AsKey(), values[i], attrs);
  return attrs;
}

}  // namespace slipway::tflite
